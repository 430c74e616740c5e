import { PATIENCE_MS, pause } from "../wait.ts";

/** Fields of one journal entry; a field that was repeated is a list. */
export type JournalEntry = Record<string, string | string[]>;

const JOURNALD = "/lib/systemd/systemd-journald";

/** Why no journal can be started for a test here; `null` where one can. */
export function journalMissing(): string | null {
  if (Deno.uid() !== 0) return "root";
  for (const file of [JOURNALD, "/usr/bin/journalctl", "/usr/bin/nsenter"]) {
    try {
      Deno.statSync(file);
    } catch {
      return `${file} (apt-get install systemd util-linux)`;
    }
  }
  return null;
}

/** A real journald with a /run of its own, so that it does not interfere with another one. */
export class Journal implements AsyncDisposable {
  #daemon: Deno.ChildProcess;
  /** A process that keeps the mounts when the daemon is killed. */
  readonly #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess, daemon: Deno.ChildProcess) {
    this.#holder = holder;
    this.#daemon = daemon;
  }

  static async start(): Promise<Journal> {
    const mounts = "mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/systemd/journal && echo there";
    const holder = new Deno.Command("unshare", {
      args: ["-m", "sh", "-c", `${mounts} && exec sleep 600`],
      stdout: "piped",
    }).spawn();
    for await (const _ of holder.stdout) break;
    const journal = new Journal(holder, holder);
    await journal.startDaemon();
    return journal;
  }

  /** A prefix for a command that is to see this journal. */
  get prefix(): string[] {
    return ["nsenter", "-t", String(this.#holder.pid), "-m", "--"];
  }

  async startDaemon(): Promise<void> {
    const [file, ...args] = [...this.prefix, JOURNALD];
    this.#daemon = new Deno.Command(file, { args, stdout: "null", stderr: "null" }).spawn();
    const deadline = performance.now() + PATIENCE_MS;
    while (!await this.#answers()) {
      if (performance.now() > deadline) throw new Error("journald did not start");
      await pause(50);
    }
  }

  async killDaemon(): Promise<void> {
    this.#daemon.kill("SIGKILL");
    await this.#daemon.status;
  }

  /** Stops the daemon (SIGSTOP), as if it hung. */
  hang(): void {
    this.#daemon.kill("SIGSTOP");
  }

  /** The entries that match, such as `CLIENT=127.0.0.1`. */
  async entries(...matches: string[]): Promise<JournalEntry[]> {
    const [file, ...args] = [...this.prefix, "journalctl", "-t", "tls-off", "-o", "json", "--no-pager", ...matches];
    const { stdout } = await new Deno.Command(file, { args, stderr: "null" }).output();
    const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line.startsWith("{"));
    return lines.map((line) => JSON.parse(line));
  }

  /** Waits until there are as many entries that match. */
  async waitFor(count: number, ...matches: string[]): Promise<JournalEntry[]> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const entries = await this.entries(...matches);
      if (entries.length >= count) return entries;
      if (performance.now() > deadline) throw new Error(`${entries.length} of ${count} entries ${matches.join(" ")}`);
      await pause(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#daemon, this.#holder]) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
    }
  }

  /** Whether its socket takes datagrams. */
  async #answers(): Promise<boolean> {
    const [file, ...args] = [...this.prefix, "logger", "--journald=/dev/stdin"];
    const child = new Deno.Command(file, { args, stdin: "piped", stderr: "null" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("MESSAGE=are you there\n"));
    await writer.close();
    return (await child.status).success;
  }
}
