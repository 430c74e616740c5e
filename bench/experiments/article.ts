import { startEchoApp } from "../backends/echo.ts";
import type { AppRuntime, EchoApp } from "../backends/echo.ts";
import type { Contender } from "../contenders/contender.ts";
import { post } from "../lab/http.ts";
import type { Lab } from "../lab/lab.ts";
import { startLoad } from "../load/load.ts";
import { warmUp } from "../load/warm_up.ts";
import { cpuMicros, processTree } from "../measure/processes.ts";
import { sleep } from "../lab/wait.ts";
import { interleave } from "../figures/progress.ts";
import { startProxy } from "../contenders/proxies.ts";
import type { Step } from "../figures/sample.ts";
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

/** A configuration of the experiment that answers: where the generator sends its requests, and who works for them. */
interface Running {
  url: string;
  application: number[];
  /** None where the application has the port itself. */
  proxy: number[];
}

interface Target {
  name: string;
  start(): Promise<Running>;
}

/** How long all may take to shake hands and to settle, before CPU time is read: this part of the run. */
const SETTLING_SHARE = 0.4;

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

function targets(lab: Lab, runtime: AppRuntime, proxies: Contender[], connections: number): Target[] {
  const app = once(() => startEchoApp(lab, runtime, "sock"));
  const alone = async (mode: "http" | "https"): Promise<Running> => {
    const { port, process } = await startEchoApp(lab, runtime, mode);
    return { url: `${mode}://127.0.0.1:${port}/`, application: await processTree(process.pid), proxy: [] };
  };
  const behind = async (contender: Contender, app: EchoApp): Promise<Running> => {
    const [backend, ...moreBackends] = app.sockets;
    const proxy = await startProxy(lab, contender, {
      ...{ key: "ecdsa", backend, connections: connections + 100, cpus: lab.cpus.rest },
      more: { workers: lab.cpus.restCount, moreBackends },
      check: async (connection) => await post(connection, "/", "hello") === "hello",
    });
    return { url: proxy.url("/"), application: await processTree(app.process.pid), proxy: proxy.pids };
  };
  return [
    { name: "http", start: () => alone("http") },
    { name: "https", start: () => alone("https") },
    ...proxies.map((contender) => ({ name: contender.name, start: async () => behind(contender, await app()) })),
  ].map(({ name, start }) => ({
    name,
    start: once(async () => {
      const running = await start();
      await warmUp(lab, running.url, 10);
      return running;
    }),
  }));
}

/**
 * The article's experiment: an echo application reached by plain HTTP, by its own HTTPS, and through a proxy by a Unix
 * socket. The generator has one CPU; the application, and the proxy with it, have the others.
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
          const { url, application, proxy } = await target.start();
          const connections = articleConnections(settings.connections, size, lab.connectionLimit);
          const load = await startLoad(lab, { url, connections, durationMs, postBytes: size });
          const look = () => ({ application: cpuMicros(application), proxy: cpuMicros(proxy), at: performance.now() });
          await sleep(durationMs * SETTLING_SHARE);
          const first = look();
          await sleep(durationMs * (0.95 - SETTLING_SHARE));
          const last = look();
          const share = (who: "application" | "proxy") => (last[who] - first[who]) / 1000 / (last.at - first.at);
          await load.process.ended;
          const { durationMs: realMs, ...result } = await load.finish();
          return {
            ...{ connections, requestsPerSecond: result.requests / realMs * 1000, ...result },
            applicationCpuShare: share("application"),
            proxyCpuShare: share("proxy"),
          };
        },
      }))
    );
  });
}
