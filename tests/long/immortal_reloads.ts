import { CONTENDERS } from "../support/proxies/runtimes.ts";
import { reloadAmongImmortals } from "../support/reload_among_immortals.ts";

const RELOADS = 100;

for (const contender of CONTENDERS) {
  const { runtime, engine } = contender;
  Deno.test(`${RELOADS} reloads with an immortal connection each do not pile up threads: ${engine} on ${runtime}`, async () => {
    const { early, late } = await reloadAmongImmortals(contender, RELOADS);
    const told = ({ threads, rssKiB }: typeof early) => `${threads} threads and ${Math.round(rssKiB / 1024)} MiB`;
    console.log(`${engine} on ${runtime}: ${told(early)} after 3 reloads, ${told(late)} after ${RELOADS}`);
  });
}
