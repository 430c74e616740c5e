import { delimiter, join } from "node:path";

/** Programs of a system's administrator: Debian leaves these folders out of other users' PATH. */
const ADMIN_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** PATH with the administrator's folders in it: hitch, HAProxy and nginx are there. */
export function searchPath(): string {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  return [...folders, ...ADMIN_FOLDERS.filter((folder) => !folders.includes(folder))].join(delimiter);
}

/** Full path of a program, or of a file or socket whose path is given; null when it is not there. */
export function findProgram(command: string): string | null {
  const isPath = command.includes("/");
  for (const folder of isPath ? [""] : searchPath().split(delimiter)) {
    const path = join(folder, command);
    try {
      const { isFile, isDirectory, mode } = Deno.statSync(path);
      if (isPath ? !isDirectory : isFile && (mode ?? 0) & 0o111) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  return null;
}

/** Path, as it is seen from here, of a program in another installation's folder; null when it is not there. */
export function findProgramIn(root: string, command: string): string | null {
  const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return folders.map((folder) => findProgram(join(root, folder, command))).find((path) => path !== null) ?? null;
}

/** A program the bench can use, and what is missing without it. */
export interface Need {
  command: string;
  /** Debian packages that have it; none: it comes in another way. */
  packages: string[];
  /** What is left out, or how it is replaced. */
  without: string;
}

/** Two lines for everything that is missing: what that leaves out, and how to install it; empty when nothing is. */
export function describeMissing(needs: readonly Need[], has: (command: string) => boolean): string[] {
  const missing = needs.filter(({ command }) => !has(command));
  const packages = [...new Set(missing.flatMap((need) => need.packages))];
  return [
    ...missing.map(({ command, without }) => `Missing ${command}: ${without}`),
    ...(packages.length ? [`To measure everything: sudo apt-get install ${packages.join(" ")}`] : []),
  ];
}

/** What the program prints on both outputs; null when it can't be asked. */
async function ask(command: readonly string[]): Promise<string | null> {
  const program = findProgram(command[0]);
  if (!program) return null;
  const { stdout, stderr } = await new Deno.Command(program, { args: command.slice(1), env: { NO_COLOR: "1" } })
    .output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** The first line with a number among what the program says about itself; null when it can't be asked. */
export async function readVersion(command: readonly string[]): Promise<string | null> {
  return (await ask(command))?.split("\n").find((line) => /\d+\.\d+/.test(line))?.trim() ?? null;
}

/** The TLS library in what a program says: the last that is named, which is the one that runs where two are. */
export function parseLibrary(text: string): string | null {
  const last = [...text.matchAll(/\b(OpenSSL|LibreSSL|BoringSSL|AWS-LC|wolfSSL) v?([0-9a-f][0-9a-f.]{2,})/gi)].at(-1);
  return last ? `${last[1]} ${last[2].slice(0, 12)}` : null;
}

/** As {@linkcode Contender.library} says it. */
export async function readLibrary(library: string | readonly string[] | undefined): Promise<string | null> {
  return typeof library === "object" ? parseLibrary(await ask(library) ?? "") : library ?? null;
}

/** True when any file below the folder was changed after the given file. */
export function isOlder(file: string, folder: string): boolean {
  const made = Deno.statSync(file).mtime?.getTime() ?? 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory ? isOlder(file, path) : (Deno.statSync(path).mtime?.getTime() ?? 0) > made) return true;
  }
  return false;
}
