import { runPeer } from "../../support/peers/peers.ts";

/** Lines of `ldd`: `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, or the loader's path alone. */
const LIBRARY = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm;

/** By itself podman asks for higher limits than a confined root may set. */
const LIMITS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"];

/**
 * Podman with a storage of its own, and without a network: everything that it runs is made from files of this machine.
 */
export class Podman implements AsyncDisposable {
  readonly #directory: string;
  readonly #global: string[];

  private constructor(directory: string) {
    this.#directory = directory;
    const storage = ["--storage-driver", "vfs", "--root", `${directory}/root`, "--runroot", `${directory}/run`];
    this.#global = [...storage, "--tmpdir", `${directory}/tmp`, "--cgroup-manager", "cgroupfs", "--runtime", "runc"];
  }

  static async start(): Promise<Podman> {
    return new Podman(await Deno.makeTempDir());
  }

  /** Runs a command of podman's, and gives what it says on standard output. */
  async run(...args: string[]): Promise<string> {
    const { code, text, errors } = await this.try(...args);
    if (code !== 0) throw new Error(`podman ${args.join(" ")} ended with ${code}: ${errors}${text}`);
    return text.trim();
  }

  try(...args: string[]): ReturnType<typeof runPeer> {
    return runPeer("podman", [...this.#global, ...args]);
  }

  /**
   * Starts a container of that name. Its health check runs when it is asked for, since that needs systemd otherwise.
   */
  start(name: string, image: string, options: string[], ...command: string[]): Promise<string> {
    const own = [
      "--name",
      name,
      "--network",
      "none",
      "--log-driver",
      "k8s-file",
      "--health-interval",
      "disable",
      ...LIMITS,
    ];
    return this.run("run", "--detach", ...own, ...options, image, ...command);
  }

  /**
   * Makes an image of programs of this machine with the libraries that they need.
   * @param files from the path in the image to the program's path here
   * @param libraries of which program; what the image is a base for
   */
  async importImage(name: string, files: Record<string, string>, libraries: string[]): Promise<void> {
    const root = `${this.#directory}/image`;
    const put = async (from: string, to: string) => {
      await Deno.mkdir(`${root}${to}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.copyFile(await Deno.realPath(from), `${root}${to}`);
    };
    for (const [to, from] of Object.entries(files)) await put(from, to);
    for (const program of libraries) {
      const { text } = await runPeer("ldd", [program]);
      for (const [, path] of text.matchAll(LIBRARY)) await put(path, path);
    }
    await Deno.mkdir(`${root}/tmp`, { recursive: true });
    await this.#pack(root);
    await this.run("import", "--quiet", `${root}.tar`, name);
    await Deno.remove(root, { recursive: true });
  }

  async #pack(root: string): Promise<void> {
    const { code, errors } = await runPeer("tar", ["--owner=0", "--group=0", "-C", root, "-cf", `${root}.tar`, "."]);
    if (code !== 0) throw new Error(errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("rm", "--all", "--force", "--volumes", "--time", "0");
    await this.run("volume", "prune", "--force");
    await Deno.remove(this.#directory, { recursive: true });
  }
}
