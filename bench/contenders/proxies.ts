import { join } from "node:path";
import type { Contender, ProxySetup } from "./contender.ts";
import { connectTo } from "../lab/connect.ts";
import { get } from "../lab/http.ts";
import { freePort } from "../lab/free_port.ts";
import type { KeyKind, Lab } from "../lab/lab.ts";
import { processTree } from "../measure/processes.ts";
import { warmUp } from "../load/warm_up.ts";
import type { Spawned } from "../lab/spawned.ts";
import { waitFor } from "../lab/wait.ts";

/** A contender that answers. */
export interface RunningProxy {
  contender: Contender;
  port: number;
  process: Spawned;
  /** Its processes: CPU and memory are summed over them. */
  pids: number[];
  /** From the start of the process to its first answer. */
  startupMs: number;
  /** URL of the application's answer at a path. */
  url(path: string): string;
}

/** What may differ between uses of a contender. */
export interface ProxyOptions extends Pick<ProxySetup, "backend" | "connections"> {
  key: KeyKind;
  more?: Partial<Pick<ProxySetup, "reloadable" | "workers" | "moreBackends">>;
  /** CPU list; default: the proxy's. */
  cpus?: string;
  /** What it must answer to count as started; default: 10 bytes at `/10`. */
  check?: (connection: Deno.Conn) => Promise<boolean>;
}

async function answersTen(connection: Deno.Conn): Promise<boolean> {
  return (await get(connection, "/10")).length === 10;
}

/** Starts a contender on the proxy's CPU and waits for its first answer. */
export async function startProxy(lab: Lab, contender: Contender, options: ProxyOptions): Promise<RunningProxy> {
  const { backend, connections, more, check = answersTen } = options;
  const folder = await lab.makeFolder(contender.name);
  const certificate = lab.certificates[options.key];
  const port = freePort();
  const launch = await contender.launch({ port, backend, certificate, folder, connections, workers: 1, ...more });
  for (const [name, text] of Object.entries(launch.files ?? {})) await Deno.writeTextFile(join(folder, name), text);
  const caCerts = [await Deno.readTextFile(certificate.ca)];

  const begin = performance.now();
  const process = lab.spawn(launch.command, launch.args, {
    cpus: options.cpus ?? lab.cpus.proxy,
    log: join(folder, "output.log"),
    cwd: launch.cwd,
    env: launch.env,
  });
  await waitFor(process, async () => {
    using connection = await connectTo(port, contender.tls ? caCerts : null);
    return await check(connection);
  }, { pauseMs: 1 });
  const startupMs = performance.now() - begin;
  const scheme = contender.tls ? "https" : "http";
  return {
    contender,
    port,
    process,
    pids: await processTree(process.pid),
    startupMs,
    url: (path) => `${scheme}://127.0.0.1:${port}${path}`,
  };
}

/** What a contender is wanted with: a kind of certificate (ECDSA), and workers (one, on the proxy's CPU). */
export interface FleetKind {
  key?: KeyKind;
  workers?: number;
}

function idOf({ name }: Contender, { key = "ecdsa", workers }: FleetKind): string {
  return `${name} ${key} ${workers ?? ""}`;
}

/** Contenders that go on running after their first use, so that rounds can interleave. Idle ones use no CPU. */
export class Fleet {
  readonly #running = new Map<string, RunningProxy>();

  constructor(readonly lab: Lab, readonly options: Omit<ProxyOptions, "key">) {}

  /** The running contender of that kind; started when it is not, or no longer. */
  async get(contender: Contender, kind: FleetKind = {}): Promise<RunningProxy> {
    const id = idOf(contender, kind);
    const running = this.#running.get(id);
    if (running?.process.running) return running;
    const started = await this.#start(contender, kind);
    this.#running.set(id, started);
    return started;
  }

  /** As {@linkcode get}, in a process that nobody has used before. */
  async renew(contender: Contender, kind: FleetKind = {}): Promise<RunningProxy> {
    await this.#running.get(idOf(contender, kind))?.process.stop();
    return await this.get(contender, kind);
  }

  /** The first requests are not counted: until then code is compiled and memory allocated. */
  async #start(contender: Contender, { key = "ecdsa", workers }: FleetKind): Promise<RunningProxy> {
    // Those that are to be compared by their workers all have the same CPUs.
    const scaling = workers === undefined ? {} : { more: { workers }, cpus: this.lab.cpus.workers };
    const proxy = await startProxy(this.lab, contender, { ...this.options, key, ...scaling });
    await warmUp(this.lab, proxy.url("/10"));
    return proxy;
  }
}
