import assert from "node:assert/strict";
import { ROOT } from "../../../scripts/reference/inventory.ts";
import { runPeer } from "../peers/peers.ts";
import type { Proxy, TempDir } from "../proxies/proxy.ts";

/** Where the recipes are. */
export const RECIPES = `${ROOT}scripts/deploy/recipes/`;

/** A program of the test, ended with it. What it says goes with the failure of a test. */
export class RecipeApp implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(command: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
    const env = { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/usr/local/go/bin`, ...options.env };
    this.#child = new Deno.Command(command, { args, ...options, env, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself, which the test has told.
    }
    await this.#child.status;
  }
}

/** The permissions of a file; `undefined` where there is none. */
export function modeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).mode! & 0o777;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether somebody listens on a port of the loopback. */
export async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/** What curl gets, by HTTPS and the certificate of the test. */
export async function get(proxy: Proxy, dir: TempDir): Promise<string> {
  const url = `https://localhost:${proxy.port}/`;
  const { code, text, errors } = await runPeer("curl", [
    "-sS",
    "--max-time",
    "20",
    "--cacert",
    dir.file("cert.pem"),
    url,
  ]);
  assert.equal(code, 0, errors);
  return text;
}
