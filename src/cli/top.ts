import process from "node:process";
import type { Address } from "../net/address.ts";
import { readEnvironment } from "../runtimes/environment.ts";
import type { ClientOrder, ClientsStats, Stats } from "../admin/stats.ts";
import { renderTop } from "../admin/top_screen.ts";
import { askAdmin } from "./ask_admin.ts";

const PERIOD_MS = 1_000;
/** How many clients are asked for. Few terminals have more lines. */
const CLIENTS = 200;
const HELP = "q quit   sort by: r rate  b bytes  a active  o opened";
const KEYS: Record<string, ClientOrder> = { r: "rate", b: "bytes", a: "active", o: "opened" };

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
/** Clears from the cursor to the end of the line, or of the screen. */
const CLEAR_LINE = "\x1b[K";
const CLEAR_REST = "\x1b[J";

/** What ends the program as `q` does, with the code that a shell gives to a program which a signal has ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** What the table is made of. */
const STATS_KEYS: (keyof Stats)[] = ["version", "runtime", "timeMs", "startedMs", "listeners", "certificates", "acme"];
const CLIENTS_KEYS: (keyof ClientsStats)[] = ["clients"];

interface Reading {
  stats: Stats;
  clients: ClientsStats;
}

async function read(admin: Address, order: ClientOrder): Promise<Reading> {
  const [stats, clients] = await Promise.all([
    askAdmin(admin, "/stats", STATS_KEYS),
    askAdmin(admin, `/clients?top=${CLIENTS}&order=${order}`, CLIENTS_KEYS),
  ]);
  return { stats, clients };
}

/**
 * `tls-off top`: on a terminal shows the live table until `q`; elsewhere takes two readings a second apart and prints
 * one table.
 * @returns the exit code
 * @throws {Error} when the first reading fails
 */
export async function top(admin: Address, print: (line: string) => void): Promise<number> {
  if (process.stdin.isTTY === true && process.stdout.isTTY === true) return await live(admin);
  const before = await read(admin, "rate");
  await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  const { stats, clients } = await read(admin, "rate");
  const view = { stats, clients, before: before.stats, order: "rate" as const, size: null, colors: false, help: null };
  for (const line of renderTop(view)) print(line);
  return 0;
}

async function live(admin: Address): Promise<number> {
  const { stdin, stdout } = process;
  const colors = !readEnvironment("NO_COLOR");
  let order: ClientOrder = "rate";
  let before: Stats | null = null;
  // If the first reading fails, it fails before the terminal is changed.
  let now = await read(admin, order);
  let trouble: string | null = null;

  const draw = () => {
    const size = { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    const lines = renderTop({ ...now, before, order, size, colors, help: trouble ?? HELP });
    stdout.write(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_REST);
  };
  /** Ends the pause, or the wait for an answer. */
  let wake = () => {};
  let leave = () => {};
  let quit = false;
  let code = 0;
  const end = (by: number) => {
    if (!quit) code = by;
    quit = true;
    wake();
    leave();
  };
  const onKeys = (keys: Uint8Array | string) => {
    for (const key of String(keys)) {
      // In raw mode Ctrl-C and Ctrl-D are characters.
      if (key === "q" || key === "\x03" || key === "\x04") return end(0);
      order = KEYS[key] ?? order;
    }
    wake();
  };
  const onSignal = (signal: keyof typeof SIGNALS) => end(SIGNALS[signal]);
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.on("data", onKeys);
  stdout.on("resize", draw);
  try {
    while (!quit) {
      draw();
      const timer = setTimeout(() => wake(), PERIOD_MS);
      await new Promise<void>((resolve) => wake = resolve);
      clearTimeout(timer);
      if (quit) break;
      try {
        const next = await new Promise<Reading | null>((resolve, reject) => {
          // An endpoint that does not answer must not keep the terminal.
          leave = () => resolve(null);
          read(admin, order).then(resolve, reject);
        });
        if (next === null) break;
        // A key requests a reading at once. Rates over so short a time would vary too much.
        if (next.stats.timeMs - now.stats.timeMs > PERIOD_MS / 2) before = now.stats;
        now = next;
        trouble = null;
      } catch (error) {
        trouble = error instanceof Error ? error.message : String(error);
      }
    }
  } finally {
    stdin.off("data", onKeys);
    stdout.off("resize", draw);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
  }
  return code;
}
