import { readLibrary, readVersion } from "./tools.ts";

/** Where figures come from: without it they mean nothing. */
export interface Machine {
  cpu: string;
  cpus: number;
  memoryGb: number;
  kernel: string;
  /** One-minute load average when the bench began: much above 0 is somebody else's work. */
  loadBefore: number;
  descriptorLimit: number;
}

async function shell(script: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script], stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** How many descriptors a process of the bench may have: the hard limit, which it may raise its own to. */
export async function descriptorLimit(): Promise<number> {
  const limit = await shell("ulimit -Hn");
  return limit === "unlimited" ? 1_048_576 : Number(limit);
}

export async function describeMachine(): Promise<Machine> {
  const cpu = await shell("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2");
  return {
    cpu: cpu || Deno.build.arch,
    cpus: navigator.hardwareConcurrency,
    memoryGb: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    kernel: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    loadBefore: Deno.loadavg()[0],
    descriptorLimit: await descriptorLimit(),
  };
}

/** A program that has a version and, where it speaks TLS, a library for that: see {@linkcode readLibrary}. */
interface Versioned {
  name: string;
  version: readonly string[];
  library?: string | readonly string[];
}

/** What each program says its version is, and its TLS library, by the name; those that can't be asked are left out. */
export async function describeVersions(programs: readonly Versioned[]): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const { name, version: command, library } of programs) {
    const version = await readVersion(command);
    const tls = await readLibrary(library);
    if (version) versions[name] = tls === null ? version : `${version}; TLS: ${tls}`;
  }
  return versions;
}

/** The commit of a folder's sources, with `+` when files were changed since; null outside a repository. */
export async function describeCommit(folder: string): Promise<string | null> {
  const git = async (...args: string[]) => {
    const { stdout, success } = await new Deno.Command("git", { args: ["-C", folder, ...args], stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  };
  try {
    const commit = await git("rev-parse", "--short", "HEAD");
    return commit && commit + (await git("status", "--porcelain") ? "+" : "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
