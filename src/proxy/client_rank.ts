import { clientKey } from "./limits/clients.ts";

/** What a rank is made of. */
interface Ranked {
  readonly name: string;
  readonly weight: number;
}

/**
 * Sorts backends by how well they fit a client: the same client has the same order in every worker, process and
 * machine, and a backend that leaves moves only its own clients (rendezvous hashing: Thaler, Ravishankar 1998; with
 * weights as in Schindelhauer, Schomaker 2005).
 * @param backends sorted in place
 * @param client an address; all of one IPv6 /64 are one client, as for the limits
 */
export function rank(backends: Ranked[], client: string): void {
  const key = clientKey(client);
  const seed = key === null ? hash(client, 0) : mix(mix(key.high ^ key.family) ^ key.low);
  const scores = new Map(backends.map((backend) => [backend, score(backend, seed)]));
  backends.sort((a, b) => scores.get(b)! - scores.get(a)!);
}

function score({ name, weight }: Ranked, seed: number): number {
  // Between 0 and 1, both excluded.
  const uniform = (hash(name, seed) + 0.5) / 2 ** 32;
  return -weight / Math.log(uniform);
}

/** FNV-1a over UTF-16 units, from a seed, with every bit of the end depending on all. */
function hash(text: string, seed: number): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return mix(value);
}

/** The end of MurmurHash3 for 32 bits. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}
