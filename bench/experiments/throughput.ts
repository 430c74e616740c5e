import type { Contender } from "../contenders/contender.ts";
import { startLoad } from "../load/load.ts";
import type { LoadOptions } from "../load/load.ts";
import { measureWindow, untilIdle } from "../measure/window.ts";
import { interleave } from "../figures/progress.ts";
import { valuesByRound } from "../figures/sample.ts";
import type { Sample, Step, Values } from "../figures/sample.ts";
import { median } from "../figures/stats.ts";
import type { Context } from "./context.ts";
import { connectionsScenario, workersScenario } from "./scenarios.ts";

/** The generator ends by itself that long after the measured stretch should have, if nobody ends it. */
const MARGIN_MS = 5000;
/** And so much longer for each connection, at the most. */
const HANDSHAKE_MS = 4;

interface LoadRun extends Pick<LoadOptions, "thinkMs" | "postBytes"> {
  path: string;
  skipMs: number;
  /** Default: {@linkcode Settings.connections}. */
  connections?: number;
  workers?: number;
}

/** The load of connections that stay, and what the proxy spends on it. */
export async function measureLoad(
  { lab, fleet, backend, settings }: Context,
  contender: Contender,
  { path, skipMs, workers, connections = settings.connections, ...load }: LoadRun,
): Promise<Values> {
  const { windowMs } = settings;
  const proxy = await fleet.get(contender, { workers });
  await untilIdle(backend);
  const durationMs = skipMs + windowMs + MARGIN_MS + connections * HANDSHAKE_MS;
  const generator = await startLoad(lab, { url: proxy.url(path), connections, durationMs, ...load });
  try {
    const window = await measureWindow(proxy, backend, generator.process, { skipMs, windowMs, connections });
    const latency = await generator.finish();
    return {
      requestsPerSecond: window.requests / window.seconds,
      cpuUsPerRequest: window.cpuUs / window.requests,
      proxyCpuShare: window.cpuUs / 1e6 / window.seconds,
      p50Us: latency.p50Us,
      p90Us: latency.p90Us,
      p99Us: latency.p99Us,
      errors: latency.errors,
    };
  } finally {
    await generator.process.stop();
  }
}

/** As many requests as come through, on connections that stay: what a request and a gigabyte cost. */
export function keepAlive(context: Context): Step[] {
  const { contenders, settings: { rounds, sizes, skipMs, windowMs } } = context;
  return sizes.flatMap((size) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ scenario: "keep-alive", contender: contender.name, size, round, rounds },
      estimateMs: skipMs + windowMs + 300,
      async run() {
        const values = await measureLoad(context, contender, { path: `/${size}`, skipMs });
        return withBytes(context, contender, size, values);
      },
    }))
  );
}

/** {@linkcode keepAlive} with fewer and with more connections. */
export function byConnections(context: Context): Step[] {
  const { contenders, settings: { rounds, connectionCounts, connectionSizes, skipMs, windowMs } } = context;
  return connectionCounts.flatMap((connections) =>
    connectionSizes.flatMap((size) =>
      interleave(contenders, rounds).map(({ contender, round }) => ({
        ...{ scenario: connectionsScenario(connections), contender: contender.name, size, round, rounds },
        estimateMs: skipMs + windowMs + 300 + connections,
        async run() {
          const values = await measureLoad(context, contender, { path: `/${size}`, skipMs, connections });
          return withBytes(context, contender, size, values);
        },
      }))
    )
  );
}

/** {@linkcode keepAlive} with small bodies by the number of workers, on the same CPUs. */
export function byWorkers(context: Context): Step[] {
  const { settings: { rounds, workerCounts, skipMs, windowMs } } = context;
  const contenders = context.contenders.filter(({ scales = true }) => scales);
  return workerCounts.flatMap((workers) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ scenario: workersScenario(workers), contender: contender.name, size: 10, round, rounds },
      estimateMs: skipMs + windowMs + 300,
      run: () => measureLoad(context, contender, { path: "/10", skipMs, workers }),
    }))
  );
}

/** What follows from the size: encryption for the floor, which relays without, and the cost of a gigabyte. */
function withBytes({ crypto }: Context, { kind }: Contender, size: number, values: Values): Values {
  const encryptionUs = kind === "floor" ? size / crypto.aesBytesPerSecond * 1e6 : 0;
  const cpuUsPerRequest = values.cpuUsPerRequest + encryptionUs;
  return { ...values, cpuUsPerRequest, cpuSecondsPerGb: cpuUsPerRequest * 1e3 / size };
}

/** The other direction: requests with large bodies, answered by 10 bytes. */
export function upload(context: Context): Step[] {
  const { contenders, settings: { rounds, uploadSizes, skipMs, windowMs } } = context;
  return uploadSizes.flatMap((size) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ scenario: "upload", contender: contender.name, size, round, rounds },
      estimateMs: skipMs + windowMs + 300,
      async run() {
        const values = await measureLoad(context, contender, { path: "/sink", skipMs, postBytes: size });
        return withBytes(context, contender, size, values);
      },
    }))
  );
}

/** Half of what the best peer answered at most; of the median contender where no peer ran. */
function halfLoad(soFar: readonly Sample[], { contenders }: Context, size: number): number {
  const rates = contenders.filter((contender) => contender.tls).map(({ name, kind }) => {
    const where = { scenario: "keep-alive", contender: name, size };
    return { kind, rate: median([...valuesByRound(soFar, where, "requestsPerSecond").values()]) };
  }).filter(({ rate }) => rate > 0);
  const peers = rates.filter(({ kind }) => kind === "peer").map(({ rate }) => rate);
  const rate = peers.length ? Math.max(...peers) : median(rates.map(({ rate }) => rate));
  if (!(rate > 0)) throw new Error(`Cannot set half load at ${size} bytes: no keep-alive run before it succeeded`);
  return rate / 2;
}

/** The same number of requests per second for all, half of what the best peer can: how long an answer takes. */
export function atHalfLoad(context: Context): Step[] {
  const { contenders, settings: { rounds, sizes, halfLoadSizes, connections, windowMs } } = context;
  // All have shaken hands by then, and each makes its first request after that: see wrk.lua.
  const skipMs = 1000;
  return halfLoadSizes.filter((size) => sizes.includes(size)).flatMap((size) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ scenario: "half-load", contender: contender.name, size, round, rounds },
      estimateMs: skipMs + windowMs + 300,
      run(soFar) {
        const thinkMs = connections / halfLoad(soFar, context, size) * 1000;
        return measureLoad(context, contender, { path: `/${size}`, skipMs, thinkMs });
      },
    } satisfies Step))
  );
}
