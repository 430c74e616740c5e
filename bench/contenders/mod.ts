import { barest } from "./barest.ts";
import type { Contender } from "./contender.ts";
import { floor } from "./floor.ts";
import { haproxy } from "./haproxy.ts";
import { hitch } from "./hitch.ts";
import { inRoot } from "./in_root.ts";
import { nginx } from "./nginx.ts";
import { stunnel } from "./stunnel.ts";
import { tlsOff } from "./tls_off.ts";

/** Every contender that has a fixed name. A new one: its file, and its line here. */
export const CONTENDERS: readonly Contender[] = [floor, hitch, haproxy, nginx, stunnel];

/** The barest loops, which show what the runtime costs by itself. */
export const BAREST = ["barest:deno", "barest:bun"];

/** That of `node:tls` on Deno, which takes part where the engines are compared. */
export const BAREST_NODE = "barest:deno-node";

/** The contenders that ratios of the reports are against by default. stunnel is far slower, so it is not among them. */
export const PEERS = ["hitch", "haproxy", "nginx"];

/** The released binaries, by the runtime that is in each. */
export const BINARIES = ["tls-off:binary", "tls-off:bun-binary"];

/** Ours on each runtime and engine; the first is what others are compared with. */
export const RUNTIMES = [
  "tls-off",
  "tls-off:deno-node",
  "tls-off:bun",
  "tls-off:bun-node",
  "tls-off:node",
  ...BINARIES,
];

/** tls-off with options that the bench leaves off elsewhere. */
export const VARIANTS = [
  "tls-off+metrics",
  "tls-off+metrics+access",
  "tls-off+metrics+journal",
  "tls-off+proxy",
  "tls-off+workers2",
];

export interface Places {
  /** Where `tls-off` without `@DIRECTORY` is started from. */
  source: string;
  /** Folder of the Debian installation that peers are started from; `null`: this one. */
  peers: string | null;
}

/**
 * Finds a contender by its name.
 *
 * @throws {RangeError} If nobody has that name.
 */
export function contenderByName(name: string, { source, peers }: Places): Contender {
  const known = CONTENDERS.find((contender) => contender.name === name);
  if (known) return peers === null ? known : inRoot(known, peers);
  if (name === "barest:deno") return barest("deno", source);
  if (name === BAREST_NODE) return barest("deno-node", source);
  if (name === "barest:bun") return barest("bun", source);
  if (name.startsWith("tls-off")) return tlsOff(name, source);
  const names = [...CONTENDERS.map((contender) => contender.name), ...BAREST, BAREST_NODE].join(", ");
  throw new RangeError(`Cannot find contender ${JSON.stringify(name)}: known are ${names}, tls-off`);
}
