import type { Contender } from "../contenders/contender.ts";
import { startLoad } from "../load/load.ts";
import type { LoadOptions } from "../load/load.ts";
import { measureWindow } from "../measure/window.ts";
import { interleave } from "../progress.ts";
import { valuesByRound } from "../sample.ts";
import type { Sample, Step, Values } from "../sample.ts";
import { median } from "../stats.ts";
import type { Context } from "./context.ts";

/** The generator ends by itself that long after the measured stretch should have, if nobody ends it. */
const MARGIN_MS = 5000;

/** The load of {@linkcode Settings.connections} connections that stay, and what the proxy spends on it. */
export async function measureLoad(
  { lab, fleet, backend, settings: { connections, windowMs } }: Context,
  contender: Contender,
  { path, skipMs, ...load }: { path: string; skipMs: number } & Pick<LoadOptions, "thinkMs" | "postBytes">,
): Promise<Values> {
  const proxy = await fleet.get(contender);
  const durationMs = skipMs + windowMs + MARGIN_MS;
  const generator = await startLoad(lab, { url: proxy.url(path), connections, durationMs, ...load });
  try {
    const window = await measureWindow(proxy, backend, generator.process, { skipMs, windowMs });
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
