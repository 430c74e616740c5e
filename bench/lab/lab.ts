import { basename, join } from "node:path";
import { placeCpus } from "./cpus.ts";
import type { CpuPlan } from "./cpus.ts";
import { makeCertificates } from "./certificates.ts";
import type { CertificateFiles } from "./certificates.ts";
import { descriptorLimit } from "./machine.ts";
import { Spawned } from "./spawned.ts";
import type { SpawnOptions } from "./spawned.ts";

export type KeyKind = "ecdsa" | "rsa";

/** The bench's own corner: a temporary folder, certificates, CPUs, and every process it started, gone at the end. */
export class Lab implements AsyncDisposable {
  readonly #running = new Set<Spawned>();
  #folders = 0;

  private constructor(
    readonly folder: string,
    /** Where the folder really is. */
    private readonly place: string,
    readonly cpus: CpuPlan,
    readonly certificates: Record<KeyKind, CertificateFiles>,
    /** How many descriptors each process may have. */
    readonly descriptors: number,
  ) {}

  /**
   * Makes the folder and the certificates, and moves this process away from the proxy's CPU.
   *
   * @param root folder of the Debian installation that peers run in, by chroot; `null`: this one
   */
  static async open(root: string | null = null): Promise<Lab> {
    const { folder, place } = await makeLabFolder(root);
    const cpus = await placeCpus();
    if (cpus.pinned) {
      await new Deno.Command("taskset", { args: ["-a", "-cp", cpus.load, String(Deno.pid)], stdout: "null" }).output();
    }
    const certificates = {
      ecdsa: await makeCertificates(join(folder, "ecdsa"), "ecdsa"),
      rsa: await makeCertificates(join(folder, "rsa"), "rsa"),
    };
    return new Lab(folder, place, cpus, certificates, await descriptorLimit());
  }

  /** A new folder for a process's files. */
  async makeFolder(name: string): Promise<string> {
    const folder = join(this.folder, `${++this.#folders}-${name.replace(/\W+/g, "-")}`);
    await Deno.mkdir(folder);
    return folder;
  }

  /**
   * How many connections a proxy can be asked to hold: two descriptors each, as many again for the hundred that a proxy
   * is started with room for beyond them, and some for itself. HAProxy does not start without room for all.
   */
  get connectionLimit(): number {
    return Math.floor((this.descriptors - 400) / 2);
  }

  /** Starts a process on the given CPUs; it is stopped when the lab closes, if not before. */
  spawn(command: string, args: string[], options: SpawnOptions): Spawned {
    const spawned = new Spawned(command, args, { ...options, pinned: this.cpus.pinned });
    this.#running.add(spawned);
    spawned.ended.then(() => this.#running.delete(spawned));
    return spawned;
  }

  /**
   * Runs a program to its end on the given CPUs.
   *
   * @returns What it printed.
   * @throws {Error} If it fails.
   */
  async run(command: string, args: string[], cpus: string): Promise<string> {
    const log = join(await this.makeFolder(command), "output.log");
    const spawned = this.spawn(command, args, { cpus, log });
    const { success } = await spawned.ended;
    if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}\n${await spawned.lastWords()}`);
    return await Deno.readTextFile(log);
  }

  /** Stops every process: whatever waits for one fails at once. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((spawned) => spawned.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    if (this.place !== this.folder) await Deno.remove(this.folder);
    await Deno.remove(this.place, { recursive: true });
  }
}

/**
 * Makes the lab's folder. With another root it is in that root's `/tmp`, and a link of ours leads there, so that one
 * path is right on both sides of `chroot`.
 */
async function makeLabFolder(root: string | null): Promise<{ folder: string; place: string }> {
  const prefix = "tls-off-bench-";
  const place = await Deno.makeTempDir(root === null ? { prefix } : { prefix, dir: join(root, "tmp") });
  // Peers that start as root serve as another user.
  await Deno.chmod(place, 0o755);
  const folder = root === null ? place : join("/tmp", basename(place));
  if (folder !== place) await Deno.symlink(place, folder);
  return { folder, place };
}
