import type { ListenerConfig } from "../config/config.ts";
import { comparableServerName } from "../net/server_names.ts";
import type { ClientHello } from "./client_hello.ts";

/** Which connections a route takes. */
export interface RouteMatch {
  /**
   * Normalized names, with `*.` allowed as the first label. An empty list takes any client, also one that names no
   * server.
   */
  serverNames: string[];
  /** Agreed protocols. An empty list takes any client, also one that agreed on no protocol. */
  alpn: string[];
  /**
   * TLS is not terminated: the bytes of the client are passed on as they are. Such a route goes by server name alone.
   */
  passthrough: boolean;
}

/** The routes of a listener, as plain data. */
export interface RouteRules {
  /** The first that matches takes the connection. */
  routes: RouteMatch[];
  /** Whether the listener has a backend of its own, for what no route takes. */
  fallback: boolean;
  /** Protocols of the listener, preferred first. */
  alpn: string[];
}

/** The rules of a listener's configuration. */
export function routeRules({ routes, backend, alpn }: ListenerConfig): RouteRules {
  const matches = routes.map(({ serverNames, alpn, passthrough }) => ({ serverNames, alpn, passthrough }));
  return { routes: matches, fallback: backend.length > 0, alpn };
}

/** What a ClientHello decides. */
type RouteDecision =
  | { kind: "terminate"; /** To be offered, preferred first. */ alpn: readonly string[] }
  | { kind: "passthrough" }
  | {
    kind: "refuse"; /** Of the alert, RFC 8446 section 6.2. */
    alert: "unrecognized_name" | "no_application_protocol";
  };

/** The routes that can take a client of one server name. */
interface Candidates {
  /** Indexes of routes in their order, up to the first that takes every connection. */
  routes: readonly number[];
  /** Whether a connection that no route takes goes to the listener's own backend. */
  fallback: boolean;
  alpn: readonly string[];
}

/** The index that stands for the listener's own backend. */
export const OWN_BACKEND = -1;

/** Finds the route of a connection with one look-up by its server name, whatever the number of routes. */
export class RouteIndex {
  readonly #rules: RouteRules;
  readonly #exact = new Map<string, Candidates>();
  readonly #wildcard = new Map<string, Candidates>();
  readonly #any: Candidates;

  constructor(rules: RouteRules) {
    this.#rules = rules;
    const exact = new Map<string, number[]>();
    const wildcard = new Map<string, number[]>();
    const any: number[] = [];
    for (const [index, { serverNames }] of rules.routes.entries()) {
      if (serverNames.length === 0) any.push(index);
      for (const name of serverNames) {
        const [map, key] = name.startsWith("*.") ? [wildcard, name.slice(2)] : [exact, name];
        map.set(key, [...map.get(key) ?? [], index]);
      }
    }
    this.#any = this.#candidates(any);
    for (const [parent, routes] of wildcard) this.#wildcard.set(parent, this.#candidates([...routes, ...any]));
    for (const [name, routes] of exact) {
      const wild = wildcard.get(parentOf(name)) ?? [];
      this.#exact.set(name, this.#candidates([...routes, ...wild, ...any]));
    }
  }

  /** Whether anything depends on the server name. */
  get byName(): boolean {
    return this.#exact.size + this.#wildcard.size > 0;
  }

  /** Whether clients of different server names are offered different protocols. */
  get alpnDiffers(): boolean {
    const of = ({ alpn }: Candidates) => JSON.stringify(alpn);
    const first = of(this.#any);
    return [...this.#exact.values(), ...this.#wildcard.values()].some((candidates) => of(candidates) !== first);
  }

  /** Whether some server names are refused, whatever else the client says. */
  get refusesNames(): boolean {
    return this.byName && this.#any.routes.length === 0 && !this.#any.fallback;
  }

  /** The protocols that are offered to a client whose server name is not known. */
  get alpn(): readonly string[] {
    return this.#any.alpn;
  }

  /** Decides by the ClientHello. */
  decide({ serverName, alpn }: Pick<ClientHello, "serverName" | "alpn">): RouteDecision {
    const candidates = this.#of(serverName);
    if (candidates.routes.length === 0 && !candidates.fallback) return { kind: "refuse", alert: "unrecognized_name" };
    for (const index of candidates.routes) {
      const route = this.#rules.routes[index];
      if (route.passthrough) return { kind: "passthrough" };
      if (route.alpn.length === 0 || route.alpn.some((protocol) => alpn.includes(protocol))) {
        return { kind: "terminate", alpn: candidates.alpn };
      }
    }
    return candidates.fallback
      ? { kind: "terminate", alpn: candidates.alpn }
      : { kind: "refuse", alert: "no_application_protocol" };
  }

  /**
   * Finds the route of a connection.
   * @param alpn the protocol agreed on, if any
   * @param passthrough whether it was decided that TLS is not terminated
   * @returns its index, or {@linkcode OWN_BACKEND}; `null` where no route takes it
   */
  find(serverName: string | undefined, alpn: string | undefined, passthrough: boolean): number | null {
    const candidates = this.#of(serverName ?? null);
    for (const index of candidates.routes) {
      const route = this.#rules.routes[index];
      if (route.passthrough !== passthrough) continue;
      if (route.alpn.length === 0 || (alpn !== undefined && route.alpn.includes(alpn))) return index;
    }
    return candidates.fallback && !passthrough ? OWN_BACKEND : null;
  }

  #of(serverName: string | null): Candidates {
    if (serverName === null) return this.#any;
    const name = comparableServerName(serverName);
    return this.#exact.get(name) ?? this.#wildcard.get(parentOf(name)) ?? this.#any;
  }

  #candidates(indexes: number[]): Candidates {
    const { routes, fallback, alpn } = this.#rules;
    const sorted = [...new Set(indexes)].sort((a, b) => a - b);
    const last = sorted.findIndex((index) => routes[index].passthrough || routes[index].alpn.length === 0);
    const reached = last < 0 ? sorted : sorted.slice(0, last + 1);
    const terminated = reached.map((index) => routes[index]).filter(({ passthrough }) => !passthrough);
    const reachesFallback = fallback && last < 0;
    const takesAll = reachesFallback || terminated.some((route) => route.alpn.length === 0);
    const taken = new Set(terminated.flatMap((route) => route.alpn));
    return {
      routes: reached,
      fallback: reachesFallback,
      alpn: takesAll ? alpn : alpn.filter((protocol) => taken.has(protocol)),
    };
  }
}

/** The name without its first label; "" where a wildcard's label would be empty, or there is no other label. */
function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot > 0 ? name.slice(dot + 1) : "";
}
