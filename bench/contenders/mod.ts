import type { Contender } from "./contender.ts";
import { floor } from "./floor.ts";
import { haproxy } from "./haproxy.ts";
import { hitch } from "./hitch.ts";
import { nginx } from "./nginx.ts";
import { stunnel } from "./stunnel.ts";
import { tlsOff } from "./tls_off.ts";

/** Every contender that has a fixed name. A new one: its file, and its line here. */
export const CONTENDERS: readonly Contender[] = [floor, hitch, haproxy, nginx, stunnel];

/** Ours on each runtime and engine; the first is what others are compared with. */
export const RUNTIMES = [
  "tls-off",
  "tls-off:deno-node",
  "tls-off:bun",
  "tls-off:bun-node",
  "tls-off:node",
  "tls-off:binary",
  "tls-off:bun-binary",
];

/** Ours with more turned on than the bench does else. */
export const VARIANTS = [
  "tls-off+metrics",
  "tls-off+metrics+access",
  "tls-off+metrics+journal",
  "tls-off+proxy",
  "tls-off+workers2",
];

/**
 * Finds a contender by its name.
 *
 * @param directory Where `tls-off` without `@DIRECTORY` is started from.
 * @throws {RangeError} If nobody has that name.
 */
export function contenderByName(name: string, directory: string): Contender {
  const known = CONTENDERS.find((contender) => contender.name === name);
  if (known) return known;
  if (name.startsWith("tls-off")) return tlsOff(name, directory);
  const names = CONTENDERS.map((contender) => contender.name).join(", ");
  throw new RangeError(`Cannot find contender ${JSON.stringify(name)}: known are ${names}, tls-off`);
}
