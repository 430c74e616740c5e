import { startWrk } from "../load/wrk.ts";
import { measureWindow } from "../measure/window.ts";
import { interleave } from "../progress.ts";
import { valuesByRound } from "../sample.ts";
import type { Sample, Step } from "../sample.ts";
import { median } from "../stats.ts";
import type { Context } from "./context.ts";

/** As many requests as come through, on connections that stay: what a request and a gigabyte cost. */
export function keepAlive({ lab, fleet, backend, contenders, settings }: Context): Step[] {
  const { rounds, sizes, connections, skipMs, windowMs } = settings;
  return sizes.flatMap((size) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      scenario: "keep-alive",
      contender: contender.name,
      size,
      round,
      rounds,
      estimateMs: skipMs + windowMs + 500,
      async run() {
        const proxy = await fleet.get(contender);
        const durationMs = skipMs + windowMs + 200;
        const load = await startWrk(lab, { url: proxy.url(size), connections, durationMs });
        const window = await measureWindow(proxy, backend, load.process, { skipMs, windowMs });
        const latency = await load.result;
        return {
          requestsPerSecond: window.requests / window.seconds,
          cpuUsPerRequest: window.cpuUs / window.requests,
          cpuSecondsPerGb: window.cpuUs / 1e6 / (window.requests * size / 1e9),
          proxyCpuShare: window.cpuUs / 1e6 / window.seconds,
          p50Us: latency.p50Us,
          p90Us: latency.p90Us,
          p99Us: latency.p99Us,
          errors: latency.errors,
        };
      },
    }))
  );
}

/** Half of what the best peer answered at most; of the median contender where no peer ran. */
function halfLoad(soFar: readonly Sample[], { contenders }: Context, size: number): number {
  const rates = contenders.filter((contender) => contender.tls).map((contender) => ({
    contender,
    rate: median([
      ...valuesByRound(
        soFar,
        { scenario: "keep-alive", contender: contender.name, size },
        "requestsPerSecond",
      ).values(),
    ]),
  })).filter(({ rate }) => rate > 0);
  const peers = rates.filter(({ contender }) => contender.kind === "peer").map(({ rate }) => rate);
  const rate = peers.length ? Math.max(...peers) : median(rates.map(({ rate }) => rate));
  if (!(rate > 0)) throw new Error(`Cannot set half load at ${size} bytes: no keep-alive run before it succeeded`);
  return rate / 2;
}

/** The same number of requests per second for all, half of what the best peer can: how long an answer takes. */
export function atHalfLoad(context: Context): Step[] {
  const { lab, fleet, backend, contenders, settings } = context;
  const { rounds, sizes, connections, skipMs, windowMs } = settings;
  return sizes.flatMap((size) =>
    interleave(contenders.filter((contender) => contender.tls), rounds).map(({ contender, round }) => ({
      scenario: "half-load",
      contender: contender.name,
      size,
      round,
      rounds,
      estimateMs: 1000 + skipMs + windowMs + 500,
      async run(soFar) {
        const proxy = await fleet.get(contender);
        const thinkMs = connections / halfLoad(soFar, context, size) * 1000;
        const durationMs = 1000 + skipMs + windowMs + 200;
        const load = await startWrk(lab, { url: proxy.url(size), connections, durationMs, thinkMs });
        const window = await measureWindow(proxy, backend, load.process, { skipMs: 1000 + skipMs, windowMs });
        const latency = await load.result;
        return {
          requestsPerSecond: window.requests / window.seconds,
          cpuUsPerRequest: window.cpuUs / window.requests,
          p50Us: latency.p50Us,
          p90Us: latency.p90Us,
          p99Us: latency.p99Us,
          errors: latency.errors,
        };
      },
    } satisfies Step))
  );
}
