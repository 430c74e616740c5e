/** What `openssl s_client`, a strict client, printed and received. */
export interface Spoken {
  /** Everything, standard output and error together. */
  text: string;
  /** Whether the line that was sent has come back. */
  echoed: boolean;
  /** The TLS alert that ended the connection. */
  alert: number | null;
}

import type { ClientCertificate } from "../certificates/client_certificates.ts";
import type { TempDir } from "../proxies/proxy.ts";

const ECHO = "echo me\n";
/** How long to wait for an answer. */
const PATIENCE_MS = 20_000;

/** Connects to `127.0.0.1:port`, sends a line, and ends once that has come back, or the server has ended. */
export function sClient(port: number, ...args: string[]): Promise<Spoken> {
  return sClientBy([], port, ...args);
}

/**
 * Does the same as {@linkcode sClient}.
 * @param prefix a command that then runs the client in its place, such as `nsenter`
 */
export async function sClientBy(prefix: string[], port: number, ...args: string[]): Promise<Spoken> {
  const [command, ...rest] = [...prefix, "openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...args];
  const child = new Deno.Command(command, {
    args: rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const errors = new Response(child.stderr).text();
  const input = child.stdin.getWriter();
  let text = "";
  try {
    await input.write(new TextEncoder().encode(ECHO));
  } catch {
    // It has ended already.
  }
  const decoder = new TextDecoder();
  let ended = false;
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (ended || !text.includes(ECHO)) continue;
    ended = true;
    // The client ends when its input does. The session tickets arrive before the answer.
    await input.close().catch(() => {});
  }
  await child.status;
  clearTimeout(timer);
  text += await errors;
  if (!ended) await input.close().catch(() => {});
  const alert = /SSL alert number (\d+)/.exec(text)?.[1];
  return { text, echoed: text.includes(ECHO), alert: alert === undefined ? null : Number(alert) };
}

/** What `openssl s_client` is told to show a certificate, be it as weak as it may. */
export function clientArguments(dir: TempDir, { leaf, chain }: Pick<ClientCertificate, "leaf" | "chain">): string[] {
  Deno.writeTextFileSync(dir.file("leaf.pem"), leaf.pem);
  Deno.writeTextFileSync(dir.file("leaf.key"), leaf.key);
  Deno.writeTextFileSync(dir.file("chain.pem"), chain.map(({ pem }) => pem).join(""));
  const shown = ["-cert", dir.file("leaf.pem"), "-key", dir.file("leaf.key")];
  const beside = chain.length === 0 ? [] : ["-cert_chain", dir.file("chain.pem")];
  return ["-cipher", "DEFAULT:@SECLEVEL=0", ...shown, ...beside];
}
