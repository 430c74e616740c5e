import { interleave } from "../progress.ts";
import type { Step } from "../sample.ts";
import type { Context } from "./context.ts";
import { measureConnections } from "./handshakes.ts";
import { measureLoad } from "./throughput.ts";

/** Small bodies: what is done for each request weighs most there. */
const BODY_BYTES = 10;

/** What it costs to turn more on: one of ours, plain, beside its variants. */
export function variants(context: Context): Step[] {
  const { settings: { rounds, skipMs, windowMs } } = context;
  const [plain] = context.contenders.filter(({ kind }) => kind === "ours");
  const contenders = [...(plain ? [plain] : []), ...context.contenders.filter(({ kind }) => kind === "variant")];
  const common = { size: 0, rounds, estimateMs: skipMs + windowMs + 300 };
  return [
    ...interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ ...common, scenario: "variants-keep-alive", contender: contender.name, round },
      run: () => measureLoad(context, contender, { path: `/${BODY_BYTES}`, skipMs }),
    })),
    ...interleave(contenders, rounds).map(({ contender, round }) => ({
      ...{ ...common, scenario: "variants-connection", contender: contender.name, round },
      run: () => measureConnections(context, contender, "ecdsa", false),
    })),
  ];
}
