import type { RouteConfig, TargetConfig } from "./config.ts";
import { type Fields, type Key, key } from "./schema_types.ts";
import * as types from "./value_types.ts";

/** A route as the file has it. */
export type RouteFile = Omit<RouteConfig, "proxyProtocolTlvsNamed">;

type TargetKeys = Pick<TargetConfig, "balance" | "proxyProtocol" | "proxyProtocolTlvs">;

/** The keys of a target that a route takes from its listener where it does not give them. */
export const TARGET: { [Field in keyof TargetKeys]: Key<TargetKeys[Field]> } = {
  balance: key(
    "balance",
    types.oneOf("least-conn", "round-robin"),
    { default: "least-conn" },
    "which backend is tried first; the next follows where one refuses",
  ),
  proxyProtocol: key(
    "proxy-protocol",
    types.oneOf("off", "v1", "v2"),
    { default: "off" },
    "the header that tells the backend who the client is",
  ),
  proxyProtocolTlvs: key(
    "proxy-protocol-tlvs",
    types.list(types.oneOf("alpn", "authority", "ssl", "client-cert", "unique-id", "crc32c", "forwarded"), {
      unique: (tlv) => tlv,
    }),
    { default: ["alpn", "authority", "ssl", "unique-id", "crc32c"] },
    "what a v2 header tells besides the addresses; a list given here takes an engine that knows all of it",
  ),
};

/** Every key of `[[listener.route]]`. */
export const ROUTE: Fields<RouteFile> = {
  name: key(
    "name",
    types.text(0, 128),
    { default: "", defaultNote: "its first server name, else its protocols" },
    "the label in logs and metrics",
  ),
  serverNames: key(
    "server-name",
    types.list(types.serverName(), { single: true, unique: (name) => name }),
    { default: [], defaultNote: "any" },
    "server names (SNI) that it takes: exact, or with a wildcard for the first label",
  ),
  alpn: key(
    "alpn",
    types.list(types.text(1, 255), { unique: (protocol) => protocol }),
    { default: [], defaultNote: "any" },
    "agreed protocols that it takes, each one of the listener's",
  ),
  backend: key(
    "backend",
    types.addresses("connect"),
    { placeholder: [] },
    "where its application listens: one address or a list",
  ),
  balance: inherited(TARGET.balance),
  proxyProtocol: inherited(TARGET.proxyProtocol),
  proxyProtocolTlvs: inherited(TARGET.proxyProtocolTlvs),
  passthrough: key(
    "passthrough",
    types.boolean(),
    { default: false },
    "pass the client's TLS on as it is, by server name alone: the backend has its own certificate",
  ),
};

function inherited<T>(own: Key<T>): Key<T> {
  return { ...own, defaultNote: "the listener's" };
}
