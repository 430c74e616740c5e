import { interleave } from "../figures/progress.ts";
import type { Contender } from "../contenders/contender.ts";
import { WARM_UP_MS } from "../load/warm_up.ts";
import type { Step, Values } from "../figures/sample.ts";
import type { Context } from "./context.ts";
import { measureConnections } from "./handshakes.ts";
import { measureLoad } from "./throughput.ts";

/** Small bodies: what is done for each request weighs most there. */
const BODY_BYTES = 10;

/**
 * What options cost: tls-off without them beside variants with them. These differ by less than two processes of the
 * same program do (where memory lies, what was compiled when), so each round has processes of its own.
 */
export function variants(context: Context): Step[] {
  const { settings: { rounds, skipMs, windowMs } } = context;
  const [plain] = context.contenders.filter(({ kind }) => kind === "ours");
  const contenders = [...(plain ? [plain] : []), ...context.contenders.filter(({ kind }) => kind === "variant")];
  const common = { size: 0, rounds, estimateMs: WARM_UP_MS + skipMs + windowMs + 1000 };
  const anew = async (contender: Contender, measure: () => Promise<Values>) => {
    await context.fleet.renew(contender);
    return await measure();
  };
  return [
    ...interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ ...common, scenario: "variants-keep-alive", contender: contender.name, round },
      run: () => anew(contender, () => measureLoad(context, contender, { path: `/${BODY_BYTES}`, skipMs })),
    })),
    ...interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ ...common, scenario: "variants-connection", contender: contender.name, round },
      run: () => anew(contender, () => measureConnections(context, contender, "ecdsa", false)),
    })),
  ];
}
