import process from "node:process";
import { type EngineName, type RuntimeName, runtimeName } from "./name.ts";

/** The oldest version of a runtime with which the end-to-end tests pass, and what to do below it. */
interface Floor {
  /** As the runtime is written. */
  title: string;
  version: string;
  /** What is known to go wrong below it with each engine; `refuse` where bytes or connections can be lost. */
  below: Record<EngineName, { action: "refuse" | "warn"; because: string }>;
}

const LOSES_BYTES_ON_BUN = {
  action: "refuse",
  because: "bytes are lost there, large transfers arrive incomplete",
} as const;

/**
 * The only place that says what the program needs of a runtime. Each version was found by running the end-to-end tests
 * on it and on the one before.
 */
export const FLOORS: Record<RuntimeName, Floor> = {
  deno: {
    title: "Deno",
    version: "2.9.0",
    below: {
      native: {
        action: "warn",
        because: "limits of time on half-closed, old and draining connections may fail there",
      },
      node: { action: "refuse", because: "its node:tls loses bytes, and does not end connections when it should" },
    },
  },
  bun: { title: "Bun", version: "1.4.3", below: { native: LOSES_BYTES_ON_BUN, node: LOSES_BYTES_ON_BUN } },
  node: {
    title: "Node",
    version: "20.0.0",
    below: {
      native: { action: "refuse", because: "it has no such engine" },
      node: { action: "refuse", because: "no connection is served there" },
    },
  },
};

/** What a version means for a start; `null` for nothing to say. */
interface RuntimeVerdict {
  refusal: string | null;
  warning: string | null;
}

/** Whether a version is another one or newer; what follows three numbers, as in `1.4.0-canary.1`, does not count. */
export function isAtLeast(version: string, other: string): boolean {
  const [own, theirs] = [version, other].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  const index = own.findIndex((number, index) => number !== theirs[index]);
  return index === -1 || own[index] > theirs[index];
}

/**
 * Decides what the version of the runtime means for a start with some engines.
 *
 * @param engines those that listeners use
 */
export function judgeRuntime(
  engines: Iterable<EngineName>,
  runtime: RuntimeName = runtimeName(),
  version: string = process.versions[runtime] ?? "",
): RuntimeVerdict {
  const { title, version: floor, below } = FLOORS[runtime];
  const verdict: RuntimeVerdict = { refusal: null, warning: null };
  if (isAtLeast(version, floor)) return verdict;
  for (const engine of new Set(engines)) {
    const { action, because } = below[engine];
    const needs = action === "refuse" ? "needs" : "is made for";
    const text = `this is ${title} ${version}, engine ${engine} ${needs} ${title} ${floor} or newer: ${because}`;
    if (action === "refuse") verdict.refusal ??= text;
    else verdict.warning ??= text;
  }
  return verdict;
}

/** What `version` says of a runtime that is too old; `null` where it is new enough. */
export function describeShortfall(
  runtime: RuntimeName = runtimeName(),
  version: string = process.versions[runtime] ?? "",
): string | null {
  const { title, version: floor } = FLOORS[runtime];
  return isAtLeast(version, floor) ? null : `${title} ${floor} or newer`;
}

/** All that is needed, for the help. */
export function describeFloors(): string {
  return Object.values(FLOORS).map(({ title, version }) => `${title} ${version}`).join(", ");
}
