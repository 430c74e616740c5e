import { startEchoApp } from "../backends/echo.ts";
import type { AppRuntime, EchoApp } from "../backends/echo.ts";
import type { Contender } from "../contenders/contender.ts";
import { post } from "../http.ts";
import type { Lab } from "../lab.ts";
import { startLoad } from "../load/load.ts";
import { warmUp } from "../load/warm_up.ts";
import { interleave } from "../progress.ts";
import { startProxy } from "../proxies.ts";
import type { Step } from "../sample.ts";
import type { ArticleSettings } from "../settings.ts";

/** Bodies in flight must fit the machine's memory, several times over. */
const MAX_BYTES_IN_FLIGHT = 1e9;

/** How many connections the generator opens: what is asked, as far as descriptors and memory allow. */
export function articleConnections(wanted: number, size: number, connectionLimit: number): number {
  return Math.min(wanted, connectionLimit, Math.floor(MAX_BYTES_IN_FLIGHT / size));
}

/** Name of the article's scenario with the application on the given runtime. */
export function articleScenario(runtime: AppRuntime): string {
  return `article-${runtime}`;
}

/** A configuration of the experiment: where the generator sends its requests. */
interface Target {
  name: string;
  start(): Promise<string>;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

function targets(lab: Lab, runtime: AppRuntime, proxies: Contender[], connections: number): Target[] {
  const app = once(() => startEchoApp(lab, runtime, "sock"));
  const behind = async (contender: Contender, { sockets: [backend, ...moreBackends] }: EchoApp) => {
    const proxy = await startProxy(lab, contender, {
      ...{ key: "ecdsa", backend, connections: connections + 100, cpus: lab.cpus.rest },
      more: { workers: lab.cpus.restCount, moreBackends },
      check: async (connection) => await post(connection, "/", "hello") === "hello",
    });
    return `https://127.0.0.1:${proxy.port}/`;
  };
  return [
    { name: "http", start: async () => `http://127.0.0.1:${(await startEchoApp(lab, runtime, "http")).port}/` },
    { name: "https", start: async () => `https://127.0.0.1:${(await startEchoApp(lab, runtime, "https")).port}/` },
    ...proxies.map((contender) => ({ name: contender.name, start: async () => behind(contender, await app()) })),
  ].map(({ name, start }) => ({
    name,
    start: once(async () => {
      const url = await start();
      await warmUp(lab, url, 10);
      return url;
    }),
  }));
}

/**
 * The article's experiment: an echo application reached by plain HTTP, by its own HTTPS, and through a proxy by a Unix socket.
 * The generator has one CPU; the application, and the proxy with it, have the others.
 */
export function article(lab: Lab, proxies: Contender[], settings: ArticleSettings): Step[] {
  const { rounds, sizes, durationMs, runtimes } = settings;
  return runtimes.flatMap((runtime) => {
    const all = targets(lab, runtime, proxies, settings.connections);
    return sizes.flatMap((size) =>
      interleave(all, rounds).map(({ contender: target, round }) => ({
        ...{ scenario: articleScenario(runtime), contender: target.name, size, round, rounds },
        estimateMs: durationMs + 300,
        async run() {
          const url = await target.start();
          const connections = articleConnections(settings.connections, size, lab.connectionLimit);
          const load = await startLoad(lab, { url, connections, durationMs, postBytes: size });
          await load.process.ended;
          const { durationMs: realMs, ...result } = await load.finish();
          return { connections, requestsPerSecond: result.requests / realMs * 1000, ...result };
        },
      }))
    );
  });
}
