import { formatAddress } from "../net/address.ts";
import { cidrMatcher } from "../net/cidr.ts";
import { addressesOf, type ListenerConfig, type TargetConfig, targetsOf } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import type { Reason } from "../metrics/reasons.ts";
import type { Telemetry } from "../metrics/telemetry.ts";
import { createHeaderEncoder } from "../proxy_protocol/create_header_encoder.ts";
import type { Endpoints } from "../proxy_protocol/endpoint.ts";
import type { Tlv } from "../proxy_protocol/proxy_header.ts";
import { isForwardable } from "../proxy_protocol/wire.ts";
import { readProxyHeader } from "./read_proxy_header.ts";
import type { Conn, Engine, PreambleConn } from "../engines/contract.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import { OWN_BACKEND, RouteIndex, routeRules } from "../tls/route_index.ts";
import { compileClientAuth } from "../tls/client_auth.ts";
import { Balancer } from "./balance.ts";
import { Health, thresholdsOf } from "./health.ts";
import { logBackendChange } from "./log_backend_change.ts";
import type { Clock, Expiring } from "./clock.ts";

export const NOTHING_FORWARDED: readonly Tlv[] = [];

/** Decides which clients are turned away. What `admit` has counted, `release` gives back. */
interface Admission {
  /** Returns the reason to turn a client away; `null` admits it. */
  admit(client: string): Reason | null;
  release(client: string): void;
}

/** What is known from the PROXY header in front of TLS. */
export interface Preamble {
  endpoints: Endpoints;
  /** The TLVs to hand on to the backend. */
  forwarded: readonly Tlv[];
}

/**
 * Everything that the sessions of one listener in one worker share, or of one of its routes as soon as that is known.
 */
export interface SessionContext {
  config: ListenerConfig;
  /** The route's name; "" while it is not known, and for the listener's own backend. */
  routeName: string;
  worker: number;
  engine: Engine;
  clock: Clock;
  admission: Admission;
  balancer: Balancer;
  telemetry: Telemetry;
  /** Makes the PROXY header, which is written to the backend before the first byte; `null` for none. */
  header: ((endpoints: Endpoints, tls: TlsInfo, conn: string, forwarded: readonly Tlv[]) => Uint8Array) | null;
  /** Returns why a client with a verified certificate is refused; `null` admits it. */
  authorise: (tls: TlsInfo) => string | null;
  /** Returns the context of the route that takes a connection; `null` where none does. */
  route: (tls: TlsInfo) => SessionContext | null;
  /** Reads the PROXY header in front of TLS; `null` where no network may send one. */
  preamble: ((client: Conn) => Promise<Preamble>) | null;
  nextId: () => string;
  /** Called when a session has ended and everything of it is freed. */
  finished: (session: Expiring) => void;
}

/** What the worker provides for a listener's sessions. */
type SessionSurroundings =
  & Pick<
    SessionContext,
    "worker" | "engine" | "clock" | "admission" | "telemetry" | "nextId" | "finished"
  >
  & { log: Log; telemetryOf: (route: string) => Telemetry };

/**
 * Compiles a listener's configuration into what its sessions need.
 * @param telemetryOf returns the telemetry of a route, by its name
 */
export function createSessionContext(
  { config, health }: { config: ListenerConfig; health: readonly SharedArrayBuffer[][] },
  { log, telemetryOf, ...surroundings }: SessionSurroundings,
): SessionContext {
  const { worker } = surroundings;
  const routes = new RouteIndex(routeRules(config));
  const routed: SessionContext[] = [];
  const own: SessionContext = {
    ...surroundings,
    config,
    routeName: "",
    balancer: createBalancer(config, health[0], { worker, log }, { listener: config.name }),
    header: headerWriter(config, config, log),
    authorise: authoriser(config),
    route({ sni, alpn, passthrough = false }) {
      const index = routes.find(sni, alpn, passthrough);
      return index === null ? null : index === OWN_BACKEND ? own : routed[index];
    },
    preamble: preambleReader(config),
  };
  for (const [index, route] of config.routes.entries()) {
    routed.push({
      ...own,
      routeName: route.name,
      balancer: createBalancer(route, health[index + 1], { worker, log }, {
        listener: config.name,
        route: route.name,
      }),
      header: headerWriter(config, route, log),
      telemetry: telemetryOf(route.name),
    });
  }
  return own;
}

/**
 * Chooses among the backends of a target, and says when one goes down or comes up.
 * @param memory of each backend's health, in the order of `addressesOf`
 */
function createBalancer(
  target: TargetConfig,
  memory: readonly SharedArrayBuffer[],
  { worker, log }: Pick<SessionSurroundings, "worker" | "log">,
  labels: { listener: string; route?: string },
): Balancer {
  const backends = addressesOf(target).map((address, index) => ({
    address,
    name: formatAddress(address),
    weight: target.backend[index]?.weight ?? 1,
    isSpare: index >= target.backend.length,
    health: new Health(memory[index], thresholdsOf(target.health)),
  }));
  return new Balancer({
    backends,
    balance: target.balance,
    probed: target.health.intervalMs > 0,
    turn: worker,
    changed: ({ name }, isUp, cause) => logBackendChange(log, { ...labels, backend: name }, isUp, cause),
  });
}

function headerWriter(
  config: ListenerConfig,
  { proxyProtocol, proxyProtocolTlvs }: TargetConfig,
  log: Log,
): SessionContext["header"] {
  if (proxyProtocol === "off") return null;
  const encode = createHeaderEncoder({ version: proxyProtocol, tlvs: proxyProtocolTlvs });
  const told = new Set<string>();
  const forwards = proxyProtocolTlvs.includes("forwarded");
  return (endpoints, tls, conn, forwarded) => {
    const { bytes, omitted } = encode(endpoints, tls, conn, forwards ? forwarded : NOTHING_FORWARDED);
    for (const tlv of omitted) {
      if (told.has(tlv)) continue;
      told.add(tlv);
      log.warn(`PROXY header without its ${tlv} TLV: the value is too long`, {
        event: "proxy-header",
        listener: config.name,
        tlv,
      });
    }
    return bytes;
  };
}

function authoriser({ clientAuth }: ListenerConfig): SessionContext["authorise"] {
  if (clientAuth.mode === "none") return () => null;
  const allowed = compileClientAuth(clientAuth);
  return ({ peer }: TlsInfo) => {
    // In mode `optional` a client without a certificate is admitted. One with a certificate has to be allowed.
    if (peer === undefined) return clientAuth.mode === "required" ? "Client sent no certificate" : null;
    return allowed(peer) ? null : "Client certificate matches none of allow-cn, allow-dns, allow-uri";
  };
}

function preambleReader(config: ListenerConfig): SessionContext["preamble"] {
  if (config.acceptProxy.length === 0) return null;
  const trusted = cidrMatcher(config.acceptProxy);
  const forwards = targetsOf(config).some(({ proxyProtocolTlvs }) => proxyProtocolTlvs.includes("forwarded"));
  return async (client: Conn): Promise<Preamble> => {
    const own = { source: client.remote, destination: client.local };
    // A client that is not in a listed network begins with TLS. A header from it makes the handshake fail.
    if (!trusted(client.remote.hostname)) return { endpoints: own, forwarded: NOTHING_FORWARDED };
    const { endpoints, tlvs } = await readProxyHeader(client as PreambleConn);
    return {
      endpoints: endpoints ?? own,
      forwarded: forwards ? tlvs.filter(({ type }) => isForwardable(type)) : NOTHING_FORWARDED,
    };
  };
}
