import { holdIdleConnections } from "../load/idle_connections.ts";
import { residentBytes } from "../measure/processes.ts";
import { interleave } from "../figures/progress.ts";
import { startProxy } from "../contenders/proxies.ts";
import type { Step } from "../figures/sample.ts";
import { sleep } from "../lab/wait.ts";
import type { Context } from "./context.ts";

/** What idle connections cost a fresh process in memory. */
export function idleMemory({ lab, backend, contenders, settings }: Context): Step[] {
  const { idleCounts, idleRounds: rounds } = settings;
  return idleCounts.flatMap((count) =>
    interleave(contenders, rounds).map(({ contender, round }) => ({
      scenario: "idle",
      contender: contender.name,
      size: count,
      round,
      rounds,
      estimateMs: 2500 + count * 2,
      async run() {
        const proxy = await startProxy(lab, contender, {
          key: "ecdsa",
          backend: backend.path,
          connections: count + 50,
        });
        try {
          await sleep(500);
          const before = await residentBytes(proxy.pids);
          await using _ = await holdIdleConnections(lab, proxy, count);
          await sleep(1000);
          const after = await residentBytes(proxy.pids);
          return { bytesPerConnection: (after - before) / count, residentBytes: after };
        } finally {
          await proxy.process.stop();
        }
      },
    }))
  );
}

/** From the start of the process to its first answer. */
export function startUp({ lab, backend, contenders, settings }: Context): Step[] {
  const { rounds } = settings;
  return interleave(contenders, rounds).map(({ contender, round }) => ({
    scenario: "start-up",
    contender: contender.name,
    size: 0,
    round,
    rounds,
    estimateMs: 500,
    async run() {
      const proxy = await startProxy(lab, contender, { key: "ecdsa", backend: backend.path, connections: 1000 });
      const bytes = await residentBytes(proxy.pids);
      await proxy.process.stop();
      return { startupMs: proxy.startupMs, residentBytesEmpty: bytes };
    },
  }));
}
