import { type HealthConfig, type RouteConfig, type TargetConfig, WORDS } from "../config.ts";
import { type Fields, fieldsOf, type Key, key, table } from "./schema_types.ts";
import * as types from "./value_types.ts";
import * as backendTypes from "./value_types_backend.ts";

/** A route as the file has it. */
export type RouteFile = Omit<RouteConfig, "proxyProtocolTlvsNamed">;

/** Every key of `[listener.health]`. */
export const HEALTH: { [Field in keyof HealthConfig]: Key<HealthConfig[Field]> } = {
  intervalMs: key(
    "interval",
    types.duration(100),
    { default: 0 },
    "time between two probes of each backend, one for all workers; 0: connections alone show which refuse",
  ),
  timeoutMs: key("timeout", types.duration(), { default: "2s" }, "for one probe; 0: as long as interval"),
  rise: key("rise", types.integer(1, 100), { default: 2 }, "good probes in a row until a backend is taken again"),
  fall: key(
    "fall",
    types.integer(1, 100),
    { default: 3 },
    "bad probes in a row until a backend is left out; its connections go on",
  ),
  path: key(
    "path",
    backendTypes.healthPath(),
    { default: "" },
    'asked for by GET with HTTP/1.1, good with a status from 200 to 399; "": a connect is enough',
  ),
};

type TargetKeys = Pick<TargetConfig, "spare" | "balance" | "proxyProtocol" | "proxyProtocolTlvs">;

/** The keys of a target that a route takes from its listener where it does not give them. */
export const TARGET: { [Field in keyof TargetKeys]: Key<TargetKeys[Field]> } = {
  spare: key(
    "spare",
    types.addresses("connect", { optional: true }),
    { default: [] },
    "backends that get connections only while no other is well: one address or a list",
  ),
  balance: key(
    "balance",
    types.oneOf(...WORDS.balance),
    { default: "least-conn" },
    'which backend is tried first; "client": one address always has the same; the next follows where one refuses',
  ),
  proxyProtocol: key(
    "proxy-protocol",
    types.oneOf(...WORDS.proxyProtocol),
    { default: "off" },
    "the header that tells the backend who the client is",
  ),
  proxyProtocolTlvs: key(
    "proxy-protocol-tlvs",
    types.list(types.oneOf(...WORDS.proxyProtocolTlv), { unique: (tlv) => tlv }),
    { default: ["alpn", "authority", "ssl", "unique-id", "crc32c"] },
    "what a v2 header tells besides the addresses; a list given here takes an engine that knows all of it",
  ),
};

/** Application protocols (ALPN). */
export const PROTOCOLS = types.list(types.protocolName(), { unique: (protocol) => protocol });

/** The key `name` of a listener or a route. */
export function labelKey(defaultNote: string): Key<string> {
  return key("name", types.text(0, 128), { default: "", defaultNote }, "the label in logs and metrics");
}

/** Every key of `[[listener.route]]`. */
export const ROUTE: Fields<RouteFile> = {
  name: labelKey("its first server name, else its protocols"),
  serverNames: key(
    "server-name",
    types.list(types.serverName(), { single: true, unique: (name) => name }),
    { default: [], defaultNote: "any" },
    "server names (SNI) that it takes: exact, or with a wildcard for the first label",
  ),
  alpn: key(
    "alpn",
    PROTOCOLS,
    { default: [], defaultNote: "any" },
    "agreed protocols that it takes, each one of the listener's",
  ),
  backend: key(
    "backend",
    backendTypes.backends({ optional: false }),
    { placeholder: [] },
    "where its application listens: one address or a list, each also with a weight",
  ),
  spare: inherited(TARGET.spare),
  balance: inherited(TARGET.balance),
  proxyProtocol: inherited(TARGET.proxyProtocol),
  proxyProtocolTlvs: inherited(TARGET.proxyProtocolTlvs),
  health: table(
    "health",
    Object.fromEntries(fieldsOf(HEALTH).map(([field, one]) => [field, inherited(one as Key<unknown>)])) as Fields<
      HealthConfig
    >,
    "how it is found out which backends of the route are well; each key is the listener's unless given",
  ),
  passthrough: key(
    "passthrough",
    types.boolean(),
    { default: false },
    "pass the client's TLS on as it is, by server name alone, or all of it: the backend has its own certificate",
  ),
};

function inherited<T>(own: Key<T>): Key<T> {
  return { ...own, defaultNote: "the listener's" };
}
