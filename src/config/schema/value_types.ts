import { isAbsolute, resolve } from "node:path";
import { ADDRESS_ALLOWED, formatAddress, parseAddress, type ParseAddressOptions } from "../../net/address.ts";
import { CIDR_ALLOWED, parseCidr } from "../../net/cidr.ts";
import { quoteValue } from "../../net/quote_value.ts";
import { normalizeServerName } from "../../net/server_names.ts";
import type { Address } from "../../net/address.ts";
import {
  DURATION_ALLOWED,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  parseDuration,
  parseSize,
  SIZE_ALLOWED,
} from "./units.ts";
import { ListError, ValueError } from "../../net/value_error.ts";

/** The values that a key may have. */
export interface ValueType<T> {
  /** One or two words for the reference, such as `duration`. */
  readonly name: string;
  /** What is allowed, to follow "must be". */
  readonly allowed: string;
  /**
   * Turns a value of the file into one of the configuration.
   *
   * @param value as TOML gave it
   * @param baseDir absolute directory that relative paths start from
   * @throws {ValueError}
   */
  parse(value: unknown, baseDir: string): T;
}

function mustBe(name: string, allowed: string, value: unknown): ValueError {
  return new ValueError(name, value, `must be ${allowed}`);
}

/** `true` or `false`. */
export function boolean(): ValueType<boolean> {
  const [name, allowed] = ["boolean", "true or false"];
  return {
    name,
    allowed,
    parse(value) {
      if (typeof value !== "boolean") throw mustBe(name, allowed, value);
      return value;
    },
  };
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max = 2 ** 31 - 1): ValueType<number> {
  const [name, allowed] = ["integer", `a whole number from ${min} to ${max}`];
  return {
    name,
    allowed,
    parse(value) {
      if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
        throw mustBe(name, allowed, value);
      }
      return value as number;
    },
  };
}

/** One word, or a whole number from `min` to `max`. */
export function wordOrInteger<W extends string>(word: W, min: number, max: number): ValueType<W | number> {
  const number = integer(min, max);
  const [name, allowed] = ["integer", `"${word}" or ${number.allowed}`];
  return {
    name,
    allowed,
    parse(value, baseDir) {
      if (value === word) return word;
      if (typeof value !== "number") throw mustBe(name, allowed, value);
      return number.parse(value, baseDir);
    },
  };
}

/** One of some words. */
export function oneOf<W extends string>(...words: W[]): ValueType<W> {
  const [name, allowed] = ["word", `one of ${words.map((word) => `"${word}"`).join(", ")}`];
  return {
    name,
    allowed,
    parse(value) {
      if (words.includes(value as W)) return value as W;
      const quoted = typeof value === "number" && words.includes(String(value) as W);
      throw quoted ? new ValueError(name, value, `must be in quotes: "${value}"`) : mustBe(name, allowed, value);
    },
  };
}

/** A line of text of `min` to `max` bytes, without control characters. */
export function text(min: number, max: number): ValueType<string> {
  const [name, allowed] = ["text", `a text of ${min} to ${max} bytes without control characters`];
  return {
    name,
    allowed,
    parse(value) {
      const bytes = typeof value === "string" ? new TextEncoder().encode(value).length : -1;
      // deno-lint-ignore no-control-regex -- names stand in logs, metrics and protocols
      if (bytes < min || bytes > max || /[\x00-\x1f\x7f]/.test(value as string)) throw mustBe(name, allowed, value);
      return value as string;
    },
  };
}

/** The name of a protocol, as IANA registers it for ALPN (RFC 7301). */
export function protocolName(): ValueType<string> {
  const name = text(1, 255);
  return {
    ...name,
    parse(value, baseDir) {
      const version = typeof value === "string" ? /^http\/?(1\.1|2|3)$/i.exec(value)?.[1] : undefined;
      const registered = version === "1.1" ? "http/1.1" : `h${version}`;
      if (version !== undefined && value !== registered) {
        throw new ValueError(name.name, value, `the protocol's name is "${registered}"`);
      }
      return name.parse(value, baseDir);
    },
  };
}

/** The permissions of a file as chmod(1) takes them, in octal digits; `""` means none are set. */
export function fileMode(): ValueType<string> {
  const [name, allowed] = ["file mode", 'three octal digits such as "0660", or "" for what the umask leaves'];
  return {
    name,
    allowed,
    parse(value) {
      if (typeof value !== "string" || !/^(0?[0-7]{3})?$/.test(value)) throw mustBe(name, allowed, value);
      return value;
    },
  };
}

/** A pattern for names in client certificates: a text in which `*` stands for any characters. */
export function pattern(): ValueType<string> {
  return { ...text(1, 1024), name: "pattern" };
}

/** A file's path, which comes out absolute. `""`, where it is allowed, means no file. */
export function path(options: { optional: boolean }): ValueType<string> {
  const [name, allowed] = ["path", options.optional ? 'a path, or "" for none' : "a path"];
  return {
    name,
    allowed,
    parse(value, baseDir) {
      if (value === "" && options.optional) return "";
      // deno-lint-ignore no-control-regex -- a NUL would cut the path short in the kernel, a newline is pasted text
      if (typeof value !== "string" || value === "" || /[\x00-\x1f\x7f]/.test(value)) {
        throw mustBe(name, allowed, value);
      }
      return isAbsolute(value) ? value : resolve(baseDir, value);
    },
  };
}

/** A duration, which comes out in milliseconds: 0 for off, or at least `minMs`. */
export function duration(minMs = 1): ValueType<number> {
  const name = "duration";
  return {
    name,
    allowed: DURATION_ALLOWED + (minMs > 1 ? `, at least ${formatDuration(minMs)}` : ""),
    parse(value) {
      const durationMs = parseDuration(value);
      if (durationMs !== 0 && (durationMs < minMs || durationMs > MAX_DURATION_MS)) {
        throw mustBe(name, `0 for off, or at least ${formatDuration(minMs)}`, value);
      }
      return durationMs;
    },
  };
}

/** A size, which comes out in bytes: 0 for never, or at least `minBytes`. */
export function size(minBytes: number): ValueType<number> {
  const name = "size";
  return {
    name,
    allowed: `${SIZE_ALLOWED}, 0 or at least ${formatSize(minBytes)}`,
    parse(value) {
      const bytes = parseSize(value);
      if (bytes !== 0 && bytes < minBytes) throw mustBe(name, `0 or at least ${formatSize(minBytes)}`, value);
      return bytes;
    },
  };
}

/** Where to listen or connect. */
export function address(purpose: ParseAddressOptions["purpose"]): ValueType<Address> {
  return {
    name: "address",
    allowed: ADDRESS_ALLOWED,
    parse: (value, baseDir) => parseAddress(value, { purpose, baseDir }),
  };
}

/** Where to listen, or `""` for nowhere. */
export function optionalAddress(): ValueType<Address | null> {
  const listen = address("listen");
  return {
    name: "address",
    allowed: `${listen.allowed}, or "" for off`,
    parse: (value, baseDir) => value === "" ? null : listen.parse(value, baseDir),
  };
}

/** A network in CIDR notation, which comes out in its canonical form. */
export function network(): ValueType<string> {
  return { name: "network", allowed: CIDR_ALLOWED, parse: (value) => parseCidr(value) };
}

/** A server name as clients send it (RFC 6066 section 3), or `*.` and a name. It comes out as names are compared. */
export function serverName(): ValueType<string> {
  const [name, allowed] = ["server name", 'a server name such as "a.example" or "*.b.example"'];
  return {
    name,
    allowed,
    parse(value) {
      const normal = typeof value === "string" ? normalizeServerName(value) : "";
      if (normal === "") throw mustBe(name, allowed, value);
      return normal;
    },
  };
}

interface ListOptions<T> {
  /** Whether one value may be given without brackets. */
  single?: boolean;
  /** Whether there must be at least one. */
  filled?: boolean;
  /** Two elements with the same key are refused. */
  unique?: (element: T) => string;
}

/** A list of values of one type. */
export function list<T>(element: ValueType<T>, options: ListOptions<T> = {}): ValueType<T[]> {
  const name = options.single ? `${element.name}, or a list` : `list of ${element.name}s`;
  const allowed = options.single ? `${element.allowed}, or a list of such` : `a list, each element ${element.allowed}`;
  return {
    name,
    allowed,
    parse(value, baseDir) {
      if (!Array.isArray(value)) {
        if (!options.single) {
          throw mustBe(name, typeof value === "string" ? `${allowed}: [${quoteValue(value)}]` : allowed, value);
        }
        return [element.parse(value, baseDir)];
      }
      if (options.filled && value.length === 0) throw new ValueError(name, value, "must have at least one element");
      const seen = new Set<string>();
      const errors: { index: number; error: ValueError }[] = [];
      const elements = value.flatMap((item, index) => {
        try {
          const parsed = element.parse(item, baseDir);
          const key = options.unique?.(parsed);
          if (key !== undefined && seen.has(key)) {
            // A table in a list is told by what it must not have in common with another one.
            throw new ValueError(name, typeof item === "object" ? key : item, "must not be given twice");
          }
          if (key !== undefined) seen.add(key);
          return [parsed];
        } catch (error) {
          if (!(error instanceof ValueError)) throw error;
          errors.push({ index, error });
          return [];
        }
      });
      if (errors.length > 0) throw new ListError(name, value, errors);
      return elements;
    },
  };
}

/** One address or several, no two the same; none where `optional`. */
export function addresses(
  purpose: ParseAddressOptions["purpose"],
  { optional = false }: { optional?: boolean } = {},
): ValueType<Address[]> {
  // Port 0 is another port each time
  let fresh = 0;
  return list(address(purpose), {
    single: true,
    filled: !optional,
    unique: (one) => one.transport === "tcp" && one.port === 0 ? `port 0, number ${fresh++}` : formatAddress(one),
  });
}

/** A route as a flag gives it, `NAME=ADDR`: a server name, and where its application listens. */
export function routeFlag(): ValueType<{ name: string; address: string }> {
  const [name, allowed] = ["route", 'NAME=ADDR, such as "api.example=unix:/run/api.sock"'];
  return {
    name,
    allowed,
    parse(value, baseDir) {
      const [, serverNameText, addressText] = /^([^=]+)=(.+)$/.exec(String(value)) ?? [];
      if (addressText === undefined) throw mustBe(name, allowed, value);
      serverName().parse(serverNameText, baseDir);
      address("connect").parse(addressText, baseDir);
      return { name: serverNameText, address: addressText };
    },
  };
}
