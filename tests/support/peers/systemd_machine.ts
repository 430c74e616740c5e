/** A Debian of its own with a real systemd, in a container that systemd-nspawn starts; needs root. */
import { runPeer } from "./peers.ts";
import { until } from "../wait.ts";

/** What {@linkcode SystemdMachine} needs of the machine that tests run on. */
export const SYSTEMD_PEERS = [
  { command: "debootstrap", debian: "debootstrap" },
  { command: "systemd-nspawn", debian: "systemd-container" },
  { command: "nsenter", debian: "util-linux" },
];

const PACKAGES = ["systemd", "systemd-sysv", "dbus"];
const SUITE = "bookworm";

/** What a command printed. */
export interface Output {
  code: number;
  text: string;
  errors: string;
}

/** Runs until it is disposed of. */
export class SystemdMachine implements AsyncDisposable {
  private constructor(readonly root: string, readonly child: Deno.ChildProcess, readonly leader: string) {}

  /**
   * Installs and boots it. `TLS_OFF_SYSTEMD_ROOT` may name a folder that keeps the installed system for the next time.
   * @throws {Error} where it does not boot
   */
  static async boot(): Promise<SystemdMachine> {
    const kept = Deno.env.get("TLS_OFF_SYSTEMD_ROOT");
    const base = kept ?? await Deno.makeTempDir({ prefix: "tls-off-systemd-" });
    const installed = `${base}/installed`;
    if (!await exists(`${installed}/usr/lib/systemd/systemd`)) {
      await must("debootstrap", ["--variant=minbase", `--include=${PACKAGES}`, SUITE, installed]);
    }
    const root = kept === undefined ? installed : await Deno.makeTempDir({ dir: base, prefix: "machine-" });
    if (kept !== undefined) await must("cp", ["-a", `${installed}/.`, root]);
    // Each boot is the first one of a machine that has no name yet.
    await Deno.writeTextFile(`${root}/etc/machine-id`, "");
    await Deno.mkdir("/run/systemd", { recursive: true });
    const child = new Deno.Command("systemd-nspawn", {
      args: ["-q", "-D", root, "--register=no", "--keep-unit", "--private-network", "--boot", "--console=pipe"],
      env: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let leader = "";
    await until(
      () => {
        // The child that sets the container up comes first, and is another.
        leader = children(child.pid).find((pid) => nameOf(pid) === "systemd") ?? "";
        return leader !== "";
      },
      "the machine has a first process",
      30_000,
    );
    const machine = new SystemdMachine(root, child, leader);
    await machine.until(["systemctl", "is-system-running", "--wait"], ({ text }) => /running|degraded/.test(text));
    return machine;
  }

  /** Runs a command inside. */
  run(command: string[], stdin?: string): Promise<Output> {
    const bytes = stdin === undefined ? undefined : new TextEncoder().encode(stdin);
    return runPeer("nsenter", ["-t", this.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--", ...command], bytes);
  }

  /**
   * Runs a command inside that has to succeed.
   * @throws {Error} with what it printed
   */
  async must(command: string[]): Promise<string> {
    const { code, text, errors } = await this.run(command);
    if (code === 0) return text;
    throw new Error(`${command.join(" ")} failed with ${code}: ${text}${errors}${await this.journal()}`);
  }

  /** Runs a command inside until it prints what `done` wants; a generous bound makes a failure an end. */
  async until(command: string[], done: (output: Output) => boolean, timeoutMs = 60_000): Promise<Output> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const output = await this.run(command);
      if (done(output)) return output;
      if (performance.now() > deadline) {
        const { text, errors } = output;
        throw new Error(`${command.join(" ")} printed in vain: ${text}${errors}${await this.journal()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The properties of a unit. */
  async show(unit: string, ...properties: string[]): Promise<Record<string, string>> {
    const text = await this.must(["systemctl", "show", unit, ...properties.flatMap((name) => ["-p", name])]);
    return Object.fromEntries(text.trim().split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  }

  /** The last lines of the journal. */
  async journal(): Promise<string> {
    const { text } = await this.run(["journalctl", "-n", "40", "--no-pager", "-o", "short-monotonic"]);
    return `\n${text}`;
  }

  /** Writes a file inside. */
  async write(path: string, text: string, mode = 0o644): Promise<void> {
    const file = this.root + path;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text, { mode });
    await Deno.chmod(file, mode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // SIGRTMIN+4 is how a container's systemd is told to power off (systemd(1)).
    await runPeer("kill", ["-s", "RTMIN+4", this.leader]);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    await this.child.status;
    clearTimeout(timer);
    // With what was installed in it, where nobody keeps that.
    const kept = Deno.env.get("TLS_OFF_SYSTEMD_ROOT") !== undefined;
    await must("rm", ["-rf", kept ? this.root : this.root.slice(0, this.root.lastIndexOf("/"))]);
  }
}

function children(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter((text) => text !== "");
  } catch {
    return [];
  }
}

function nameOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
  } catch {
    return "";
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function must(command: string, args: string[]): Promise<void> {
  const { code, text, errors } = await runPeer(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed with ${code}: ${text.slice(-500)}${errors}`);
}
