/** A program of another project that a test needs. */
export interface Peer {
  /** The program's name on the PATH, or its absolute path. */
  command: string;
  /** The Debian package it comes from. */
  debian: string;
}

/** Whether a missing program fails a test, as in CI, where all of them must be installed. */
const REQUIRED = Deno.env.get("TLS_OFF_REQUIRE_PEERS") === "1";

/**
 * Registers a test that needs programs of other projects. Where one is missing, the test is skipped and its name says
 * why. With TLS_OFF_REQUIRE_PEERS=1 it fails instead.
 */
export function peerTest(name: string, peers: Peer[], run: () => Promise<void>): void {
  const missing = peers.filter(({ command }) => !isInstalled(command));
  if (missing.length === 0) return Deno.test(name, run);
  const what = missing.map(({ command, debian }) => `${command} (apt-get install ${debian})`).join(", ");
  Deno.test({
    name: `${name} [needs ${what}]`,
    ignore: !REQUIRED,
    fn: () => {
      throw new Error(`Missing: ${what}`);
    },
  });
}

/** @param command a name on the PATH, or an absolute path */
function isInstalled(command: string): boolean {
  if (command.startsWith("/")) return isFile(command);
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  return path.split(":").some((directory) => isFile(`${directory}/${command}`));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Runs a program to its end. */
export async function runPeer(
  command: string,
  args: string[],
  stdin?: Uint8Array<ArrayBuffer>,
): Promise<{ code: number; stdout: Uint8Array; text: string; errors: string }> {
  const child = new Deno.Command(command, {
    args,
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(stdin);
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}
