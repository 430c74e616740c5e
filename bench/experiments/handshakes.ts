import { startHandshakes } from "../load/handshakes.ts";
import { measureWindow } from "../measure/window.ts";
import { interleave } from "../progress.ts";
import type { Step } from "../sample.ts";
import type { Context } from "./context.ts";

/** A new connection for each request of 10 bytes, with full and with resumed handshakes. */
export function handshakes({ lab, fleet, backend, contenders, settings }: Context): Step[] {
  const { rounds, keys, handshakeParallel: parallel, skipMs, windowMs } = settings;
  const withTls = contenders.filter((contender) => contender.tls);
  return keys.flatMap((key) =>
    [false, true].flatMap((resume) =>
      interleave(withTls, rounds).map(({ contender, round }) => ({
        scenario: `handshake-${resume ? "resumed" : "full"}-${key}`,
        contender: contender.name,
        size: 0,
        round,
        rounds,
        estimateMs: skipMs + windowMs + 300,
        async run() {
          const proxy = await fleet.get(contender, key);
          const load = await startHandshakes(lab, {
            port: proxy.port,
            resume,
            parallel,
            durationMs: skipMs + windowMs,
          });
          const window = await measureWindow(proxy, backend, load.processes[0], { skipMs, windowMs });
          const { full, resumed } = await load.finish();
          return {
            connectionsPerSecond: window.requests / window.seconds,
            cpuUsPerConnection: window.cpuUs / window.requests,
            resumedShare: resumed / (full + resumed),
          };
        },
      }))
    )
  );
}
