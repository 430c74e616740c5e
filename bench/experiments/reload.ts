import { startReloadLoad } from "../load/reload_load.ts";
import { interleave } from "../figures/progress.ts";
import { startProxy } from "../contenders/proxies.ts";
import type { Step } from "../figures/sample.ts";
import { sleep } from "../lab/wait.ts";
import type { Context } from "./context.ts";

const PAUSE_MS = 1000;

/** Reloads one after the other under load: new connections all the time, and others that stay. Who is dropped? */
export function reload({ lab, backend, contenders, settings: { reloads } }: Context): Step[] {
  const able = contenders.flatMap(({ reloadSignal, ...rest }) => reloadSignal ? [{ reloadSignal, ...rest }] : []);
  return interleave(able, 1).map(({ contender, round }) => ({
    ...{ scenario: "reload", contender: contender.name, size: 0, round, rounds: 1 },
    estimateMs: (reloads + 3) * PAUSE_MS,
    async run() {
      const options = { key: "ecdsa", backend: backend.path, connections: 1000, more: { reloadable: true } } as const;
      const proxy = await startProxy(lab, contender, options);
      try {
        const load = await startReloadLoad(lab, proxy.port);
        await sleep(PAUSE_MS);
        for (let index = 0; index < reloads; index++) {
          proxy.process.signal(contender.reloadSignal);
          await sleep(PAUSE_MS);
        }
        return { reloads, ...await load.finish() };
      } finally {
        await proxy.process.stop();
      }
    },
  }));
}
