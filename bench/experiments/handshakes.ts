import type { Contender } from "../contenders/contender.ts";
import type { RunningProxy } from "../contenders/proxies.ts";
import type { KeyKind } from "../lab/lab.ts";
import { startConnections } from "../load/connections.ts";
import { sleep } from "../lab/wait.ts";
import { measureWindow } from "../measure/window.ts";
import { interleave } from "../figures/progress.ts";
import type { Step } from "../figures/sample.ts";
import type { Context } from "./context.ts";

/**
 * What the handshake's cryptography costs a server at the least: a key pair, its use, and a signature if it is full.
 */
function leastCryptoUs({ crypto }: Context, key: KeyKind, resume: boolean): number {
  const signature = key === "rsa" ? crypto.rsaSignUs : crypto.ecdsaSignUs;
  return 2 * crypto.x25519Us + (resume ? 0 : signature);
}

const warm = new WeakSet<RunningProxy>();

/** New connections run other code than requests do, which a runtime compiles only after thousands of them. */
async function warmUpConnections({ lab, settings }: Context, proxy: RunningProxy): Promise<void> {
  if (warm.has(proxy)) return;
  warm.add(proxy);
  const { connectionsWarmUpMs: durationMs, handshakeParallel: parallel } = settings;
  const options = { port: proxy.port, tls: proxy.contender.tls, resume: false, parallel, durationMs };
  const generators = await startConnections(lab, options);
  await sleep(durationMs);
  await generators.finish();
}

/** A new connection for each request of 10 bytes, and what the proxy spends on it. */
export async function measureConnections(context: Context, contender: Contender, key: KeyKind, resume: boolean) {
  const { lab, fleet, backend, settings: { skipMs, windowMs, handshakeParallel: parallel } } = context;
  const proxy = await fleet.get(contender, { key });
  await warmUpConnections(context, proxy);
  const options = { port: proxy.port, tls: contender.tls, resume, parallel, durationMs: skipMs + windowMs };
  const generators = await startConnections(lab, options);
  try {
    const window = await measureWindow(proxy, backend, generators.processes[0], { skipMs, windowMs, connections: 0 });
    const { full, resumed } = await generators.finish();
    return {
      connectionsPerSecond: window.requests / window.seconds,
      cpuUsPerConnection: window.cpuUs / window.requests + (contender.tls ? 0 : leastCryptoUs(context, key, resume)),
      ...(contender.tls ? { resumedShare: resumed / (full + resumed) } : {}),
    };
  } finally {
    await Promise.all(generators.processes.map((process) => process.stop()));
  }
}

/** With full and with resumed handshakes. */
export function handshakes(context: Context): Step[] {
  const { contenders, settings: { rounds, keys, resumption, skipMs, windowMs } } = context;
  return keys.flatMap((key) =>
    (resumption ? [false, true] : [false]).flatMap((resume) =>
      interleave(contenders, rounds).map(({ contender, round }) => ({
        ...{ scenario: `handshake-${resume ? "resumed" : "full"}-${key}`, contender: contender.name, size: 0 },
        ...{ round, rounds, estimateMs: skipMs + windowMs + 300 },
        run: () => measureConnections(context, contender, key, resume),
      }))
    )
  );
}
