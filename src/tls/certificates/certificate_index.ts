import { isIP } from "node:net";
import { comparableServerName, coversName, normalizeServerName } from "../../net/server_names.ts";
import type { ClientHello } from "../client_hello.ts";
import { type CertificateNeeds, KEY_TYPES, takesKey, takesSignatures } from "./certificate_needs.ts";

/** What decides whether a certificate is chosen. */
interface Choosable {
  /** As in {@linkcode normalizeServerName}; a wildcard is `*.` and the rest. */
  names: readonly string[];
  needs: CertificateNeeds;
}

/** Which certificates answer for a name, the nearest first: those of the very name, then those of its wildcard. */
type Candidates = readonly (readonly number[])[];

/**
 * Finds the certificate for a client, with one look-up for each handshake.
 *
 * By the server name (SNI, RFC 6066 section 3): an exact name precedes a wildcard, which stands for exactly one label,
 * and an earlier certificate a later one. The first certificate answers where the client sent no name. Certificates of
 * one name whose keys differ in type all serve: ECDSA for clients that can, then Ed25519, then RSA.
 */
export class CertificateIndex {
  /** Whether the server name alone does not decide, so that the rest of the ClientHello has to be known. */
  readonly needsHello: boolean;
  readonly #exact = new Map<string, number[]>();
  readonly #wildcard = new Map<string, number[]>();
  readonly #default: Candidates;
  readonly #certificates: readonly Choosable[];
  readonly #strict: boolean;
  readonly #speaks13: boolean;

  /** @param options `strict`: no certificate for an unknown name, instead of the first (sni-strict) */
  constructor(certificates: readonly Choosable[], { strict, speaks13 }: { strict: boolean; speaks13: boolean }) {
    this.#certificates = certificates;
    this.#strict = strict;
    this.#speaks13 = speaks13;
    for (const [index, { names }] of certificates.entries()) {
      for (const name of names) {
        const map = name.startsWith("*.") ? this.#wildcard : this.#exact;
        const key = name.startsWith("*.") ? name.slice(2) : name;
        const same = map.get(key);
        if (same === undefined) map.set(key, [index]);
        else this.#add(same, index);
      }
    }
    this.#default = certificates.length === 0 ? [] : [this.#twinsOfFirst()];
    this.needsHello = this.#decidesByHello();
  }

  /**
   * @param serverName the client's; falsy for none
   * @param hello `null`: it is not known, and the name alone decides
   * @returns the index of the certificate; `null` where the client has to be refused (the alert unrecognized_name)
   */
  choose(serverName: string | null | undefined | false, hello: ClientHello | null): number | null {
    const candidates = this.#candidates(serverName);
    if (candidates.length === 0) return null;
    const [first] = candidates[0];
    if (hello === null || (candidates.length === 1 && candidates[0].length === 1)) return first;
    const needs = (index: number) => this.#certificates[index].needs;
    for (const list of candidates) {
      const usable = list.filter((index) => takesKey(hello, needs(index), this.#speaks13));
      if (usable.length === 0) continue;
      // Where no chain is signed as the client wants it, one that may do is better than none (RFC 8446 section
      // 4.4.2.2).
      return usable.find((index) => takesSignatures(hello, needs(index))) ?? usable[0];
    }
    return first;
  }

  #candidates(serverName: string | null | undefined | false): Candidates {
    // An IP address is no server name (RFC 6066 section 3): it is as if the client had sent none, on every engine.
    if (!serverName || isIP(serverName) !== 0) return this.#default;
    const unknown = this.#strict ? [] : this.#default;
    const name = comparableServerName(serverName);
    // A client has to name one host: what is none, a wildcard's own name among it, is known to nobody.
    if (name.startsWith("*") || normalizeServerName(name) !== name) return unknown;
    const exact = this.#exact.get(name);
    const dot = name.indexOf(".");
    // With a dot at the start, the label that the wildcard stands for would be empty.
    const wildcard = dot > 0 ? this.#wildcard.get(name.slice(dot + 1)) : undefined;
    if (exact !== undefined) return wildcard === undefined ? [exact] : [exact, wildcard];
    return wildcard === undefined ? unknown : [wildcard];
  }

  /** Puts a certificate among those of the same name, unless an earlier one has the same type of key. */
  #add(list: number[], index: number): void {
    if (list.some((other) => this.#typeOf(other) === this.#typeOf(index))) return;
    list.push(index);
    const rank = (each: number) => KEY_TYPES.indexOf(this.#typeOf(each));
    list.sort((a, b) => rank(a) - rank(b));
  }

  /** The first certificate, and those of other types of key that have all of its names. */
  #twinsOfFirst(): number[] {
    const [{ names: own }, ...others] = this.#certificates;
    const list = [0];
    for (const [at, { names }] of others.entries()) {
      if (own.length > 0 && own.every((name) => coversName(names, name))) this.#add(list, at + 1);
    }
    return list;
  }

  #decidesByHello(): boolean {
    if (new Set(this.#certificates.map(({ needs }) => needs.keyType)).size < 2) return false;
    const differ = (list: number[]) => new Set(list.map((index) => this.#typeOf(index))).size > 1;
    return [...this.#default, ...this.#wildcard.values()].some((list) => differ([...list])) ||
      [...this.#exact].some(([name, list]) =>
        differ([...list, ...this.#wildcard.get(name.slice(name.indexOf(".") + 1)) ?? []])
      );
  }

  #typeOf(index: number): CertificateNeeds["keyType"] {
    return this.#certificates[index].needs.keyType;
  }
}
