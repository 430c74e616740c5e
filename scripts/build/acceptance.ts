/** Tests a product by running it. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { startEchoServer } from "../../src/cli/echo_server.ts";
import { runCommand, tellingLine } from "./run_command.ts";
import { RunningProgram } from "./running_program.ts";

/** How long a command may take. Under an emulator the Deno binary takes about 20 s until it listens. */
const COMMAND_MS = 120_000;
const BODY_BYTES = 1_000_000;

/** The configuration. Its time limits are for an emulator on a busy machine. */
const CONFIGURATION = `workers = 2
[log]
format = "json"
[admin]
listen = "unix:admin.sock"
[[listener]]
name = "web"
listen = "127.0.0.1:0"
backend = "unix:app.sock"
cert = "made/cert.pem"
key = "made/key.pem"
timeouts = { handshake = "2m", connect = "2m" }
`;

/**
 * Lets a product make a certificate, check a configuration, serve a request with two workers, tell its metrics, reload,
 * serve another request, and end in good order; all that in an empty folder, with an environment of nothing but PATH
 * and a temporary folder of its own, which has to be empty at the end.
 *
 * @param command what runs the product on this machine
 * @throws {Error} naming the first step that failed, and what was seen
 */
export async function acceptProduct(command: string[]): Promise<void> {
  const directory = await Deno.makeTempDir();
  const temporary = `${directory}/tmp`;
  const work = `${directory}/work`;
  await Deno.mkdir(temporary);
  await Deno.mkdir(work);
  const server = await startEchoServer(`${work}/app.sock`);
  try {
    const surroundings = { cwd: work, clearEnv: true, env: { PATH: "/usr/bin:/bin", TMPDIR: temporary } };
    const run = async (...args: string[]) => {
      const { code, output } = await runCommand([...command, ...args], { ...surroundings, timeoutMs: COMMAND_MS });
      if (code !== 0) throw new Error(`"${args.join(" ")}" ended with ${code}: ${tellingLine(output)}`);
    };
    await Deno.writeTextFile(`${work}/proxy.toml`, CONFIGURATION);
    await run("cert", "--out", "made");
    await run("check", "proxy.toml");
    await serve(
      new RunningProgram([...command, "run", "proxy.toml"], { ...surroundings, timeoutMs: COMMAND_MS }),
      work,
    );
    const left = [...Deno.readDirSync(temporary)].map(({ name }) => name);
    if (left.length > 0) throw new Error(`it left ${left.join(", ")} in the temporary folder`);
  } finally {
    server.closeAllConnections();
    server.close();
    await Deno.remove(directory, { recursive: true });
  }
}

async function serve(program: RunningProgram, work: string): Promise<void> {
  try {
    const { address } = await program.event("listening");
    const ready = await program.event("ready");
    if (ready.workers !== 2) throw new Error(`it runs ${ready.workers} workers instead of 2`);
    const port = Number(String(address).split(":").at(-1));
    const certificate = await Deno.readTextFile(`${work}/made/cert.pem`);
    await exchange(port, certificate, "before a reload");
    await scrape(`${work}/admin.sock`);
    program.signal("SIGHUP");
    await program.event("reload");
    await exchange(port, certificate, "after a reload");
    program.signal("SIGTERM");
    const code = await program.exit();
    if (code !== 0) throw new Error(`"run" ended with ${code} after SIGTERM: ${program.lastLine}`);
  } catch (error) {
    throw new Error(`${(error as Error).message}; its log: ${program.log}`, { cause: error });
  } finally {
    await program.kill();
  }
}

/** Asks for the metrics, and looks for one of them. */
async function scrape(socketPath: string): Promise<void> {
  const signal = AbortSignal.timeout(COMMAND_MS);
  const sent = request({ socketPath, path: "/metrics", headers: { host: "localhost" }, agent: false, signal });
  sent.end();
  const [answer] = await once(sent, "response") as [IncomingMessage];
  const text = (await answer.toArray()).join("");
  if (answer.statusCode !== 200 || !/^tls_off_\w+\{.*\} \d/m.test(text)) {
    throw new Error(`GET /metrics answered ${answer.statusCode}: ${tellingLine(text)}`);
  }
}

/** Sends a body through the proxy to the echo server, and compares what comes back. */
async function exchange(port: number, certificate: string, when: string): Promise<void> {
  const client = Deno.createHttpClient({ caCerts: [certificate] });
  try {
    // The length of the pattern is no power of two, so that lost or swapped blocks are noticed.
    const body = Uint8Array.from({ length: BODY_BYTES }, (_, index) => index % 251);
    const signal = AbortSignal.timeout(COMMAND_MS);
    const answer = await fetch(`https://localhost:${port}/`, { method: "POST", body, client, signal });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status !== 200 || bytes.length !== body.length || bytes.some((byte, index) => byte !== body[index])) {
      throw new Error(`status ${answer.status}, ${bytes.length} of ${body.length} bytes, or others`);
    }
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    throw new Error(`a request ${when} failed: ${message}${why}`, { cause: error });
  } finally {
    client.close();
  }
}
