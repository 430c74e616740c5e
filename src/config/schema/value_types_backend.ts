import { formatAddress } from "../../net/address.ts";
import { MemberError, ValueError } from "../../net/value_error.ts";
import type { BackendConfig } from "../config.ts";
import { didYouMean } from "../suggest.ts";
import { address, integer, list, type ValueType } from "./value_types.ts";

const KEYS = ["to", "weight"];
const MAX_WEIGHT = 256;
const MAX_PATH_BYTES = 1024;

/** One backend or several, no two with the same address; each an address, or a table of an address and a weight. */
export function backends({ optional }: { optional: boolean }): ValueType<BackendConfig[]> {
  return list(backend(), { single: true, filled: !optional, unique: ({ to }) => formatAddress(to) });
}

function backend(): ValueType<BackendConfig> {
  const plain = address("connect");
  const weight = integer(1, MAX_WEIGHT);
  return {
    name: "address",
    allowed: `${plain.allowed}, or { to = ADDRESS, weight = 1 to ${MAX_WEIGHT} }`,
    parse(value, baseDir) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return { to: plain.parse(value, baseDir), weight: 1 };
      }
      const table = value as Record<string, unknown>;
      for (const name of Object.keys(table)) {
        if (KEYS.includes(name)) continue;
        const meant = didYouMean(name, KEYS) || ', must be one of "to", "weight"';
        throw new MemberError("backend", name, `unknown key${meant}`);
      }
      if (table.to === undefined) throw new ValueError("backend", value, "must have to: the backend's address");
      const member = <T>(name: string, type: ValueType<T>): T => {
        try {
          return type.parse(table[name], baseDir);
        } catch (error) {
          throw error instanceof ValueError ? new MemberError("backend", name, error) : error;
        }
      };
      return { to: member("to", plain), weight: table.weight === undefined ? 1 : member("weight", weight) };
    },
  };
}

/** The path of an HTTP request for health checks, or "" for none. */
export function healthPath(): ValueType<string> {
  const [name, allowed] = ["path", 'a path such as "/healthz", or "" for none'];
  return {
    name,
    allowed,
    parse(value) {
      if (typeof value !== "string") throw new ValueError(name, value, `must be ${allowed}`);
      const fault = pathFault(value);
      if (fault !== null) throw new ValueError(name, value, `must be ${allowed}: ${fault}`);
      return value;
    },
  };
}

/** Nothing may be in a path that ends the request line, or that a URL has percent-encoded (RFC 3986 section 3.3). */
function pathFault(path: string): string | null {
  if (path !== "" && !path.startsWith("/")) return "it begins with a slash";
  if (path.length > MAX_PATH_BYTES) return `it has at most ${MAX_PATH_BYTES} bytes`;
  return /^[\x21-\x7e]*$/.test(path) ? null : "a space, or what is not ASCII, is written as %20 and the like";
}
