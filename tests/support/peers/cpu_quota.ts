/** A control group of a test, whose processes may use a limited share of the CPUs (cgroups(7), version 1 or 2). */
export class CpuQuota implements Disposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @returns `null` where none can be made: that needs root, and a hierarchy that can be written to */
  static create(cpus: number): CpuQuota | null {
    const periodUs = 100_000;
    const files = {
      "/sys/fs/cgroup/cpu": ["cpu.cfs_quota_us", `${cpus * periodUs}`],
      "/sys/fs/cgroup": ["cpu.max", `${cpus * periodUs} ${periodUs}`],
    };
    for (const [root, [file, value]] of Object.entries(files)) {
      const path = `${root}/tls-off-test-${crypto.randomUUID()}`;
      try {
        Deno.mkdirSync(path);
      } catch {
        continue;
      }
      try {
        Deno.writeTextFileSync(`${path}/${file}`, value, { create: false });
        return new CpuQuota(path);
      } catch {
        Deno.removeSync(path);
      }
    }
    return null;
  }

  /** A prefix for a command that is to run in the group. */
  get prefix(): string[] {
    return ["sh", "-c", `echo $$ > ${this.#path}/cgroup.procs && exec "$@"`, "sh"];
  }

  /** Removes the group, whose processes must have ended. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.#path);
  }
}
