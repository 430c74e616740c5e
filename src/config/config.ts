/** The validated configuration: plain data with every default filled in, so that it can be posted to a worker. */
import type { Address } from "../net/address.ts";
import type { Path } from "./positions.ts";

/** The words that keys take. Types, the schema and the help of flags come from here. */
export const WORDS = {
  reload: ["signal", "watch"],
  spread: ["connection", "client"],
  balance: ["least-conn", "round-robin", "client"],
  tlsVersion: ["1.2", "1.3"],
  engine: ["auto", "native", "node"],
  clientAuthMode: ["none", "optional", "required"],
  proxyProtocol: ["off", "v1", "v2"],
  proxyProtocolTlv: ["alpn", "authority", "ssl", "client-cert", "unique-id", "crc32c", "forwarded"],
  logLevel: ["debug", "info", "warn", "error"],
  logFormat: ["auto", "text", "json", "journald"],
} as const;

type Word<Name extends keyof typeof WORDS> = typeof WORDS[Name][number];

export type Spread = Word<"spread">;
export type Balance = Word<"balance">;
export type TlsVersion = Word<"tlsVersion">;
export type ClientAuthMode = Word<"clientAuthMode">;
export type ProxyProtocolVersion = Word<"proxyProtocol">;
export type ProxyProtocolTlv = Word<"proxyProtocolTlv">;
export type LogLevel = Word<"logLevel">;
export type LogFormat = Word<"logFormat">;

export interface CertificateConfig {
  /** The steps to it from the listener: none for the listener's own `cert` and `key`. */
  path: Path;
  /** Absolute path of the PEM file: the leaf certificate first, then its chain. */
  cert: string;
  /** Absolute path of the PEM file. */
  key: string;
  /** Absolute path of the file with the passphrase of an encrypted key; "" for none. */
  keyPassphraseFile: string;
  /** Server names that it is chosen for; empty for the names in the certificate. */
  names: string[];
}

/** One backend among several. */
export interface BackendConfig {
  to: Address;
  /** Its share of the connections, relative to the others'. */
  weight: number;
}

/** How it is found out which backends are well. */
export interface HealthConfig {
  /** Milliseconds between two probes of a backend; 0 = off. */
  intervalMs: number;
  timeoutMs: number;
  /** Good probes in a row until a backend that was down is taken again. */
  rise: number;
  /** Bad probes in a row until a backend is left out. */
  fall: number;
  /** Of an HTTP request; "": a connect is enough. */
  path: string;
}

/** Where connections go, and what is told there: of a route, or of a listener for what no route takes. */
export interface TargetConfig {
  /** At least one; none where every connection of a listener has a route, or none. */
  backend: BackendConfig[];
  /** Taken only while no backend is well. */
  spare: Address[];
  balance: Balance;
  health: HealthConfig;
  proxyProtocol: ProxyProtocolVersion;
  proxyProtocolTlvs: ProxyProtocolTlv[];
  /** The list stands in the configuration: an engine that cannot tell something in it will not do. */
  proxyProtocolTlvsNamed: boolean;
}

/** One application of several behind a listener. */
export interface RouteConfig extends TargetConfig {
  /** Unique in its listener; the label in logs and metrics. */
  name: string;
  /** Normalized server names, `*.` allowed as the first label; empty: any. */
  serverNames: string[];
  /** Empty: any. */
  alpn: string[];
  /** TLS is not terminated: the backend gets what the client sends. */
  passthrough: boolean;
}

export interface ListenerConfig extends TargetConfig {
  /** Unique; the label in logs and metrics. */
  name: string;
  /** At least one. */
  listen: Address[];
  /** Of a Unix socket that it listens on: octal digits, "" for what the umask leaves. */
  listenMode: string;
  /** The user and the group that own that socket, by name or number; "" for the program's own. */
  listenOwner: string;
  listenGroup: string;
  /** How connections are divided among the workers: each one for itself, or all of one client address together. */
  spread: Spread;
  /** In order: the first that matches takes a connection. */
  routes: RouteConfig[];
  /** The first is chosen for unknown server names. None where `acme` is set, or every route passes TLS through. */
  certificates: CertificateConfig[];
  /** DNS names and IP addresses of one more certificate, which is ordered by ACME; empty for none. */
  acme: string[];
  sniStrict: boolean;
  /** Application protocols in order of preference; empty for no ALPN. */
  alpn: string[];
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  engine: Word<"engine">;
  /** CIDRs that may send, and then must send, a PROXY header. */
  acceptProxy: string[];
  clientAuth: {
    mode: ClientAuthMode;
    /** Absolute path of the PEM file; `null` where the mode is `none`. */
    ca: string | null;
    /** PEM or DER files of revocation lists, absolute; empty: nothing is checked. */
    crl: string[];
    allowCn: string[];
    allowDns: string[];
    allowUri: string[];
  };
  /** Milliseconds; 0 for off. */
  timeouts: {
    handshakeMs: number;
    connectMs: number;
    retryMs: number;
    idleMs: number;
    halfCloseMs: number;
    lifetimeMs: number;
  };
  /** 0 for no limit. */
  limits: {
    connections: number;
    perClient: number;
    handshakesPerSecond: number;
    backlog: number;
  };
}

export interface LogConfig {
  level: LogLevel;
  format: LogFormat;
  /** Whether each closed connection is a record. */
  access: boolean;
  /** Milliseconds between records of the metrics; 0 for none. */
  metricsIntervalMs: number;
  /** Absolute path; "" for standard error. */
  file: string;
  /** Bytes at which the file is rotated; 0 for never. */
  fileSize: number;
  /** Rotated files kept beside the live one. */
  fileCount: number;
}

export interface AdminConfig {
  /** `null` for no admin endpoint. */
  listen: Address | null;
  /** Whether other addresses than loopback and Unix sockets are allowed. */
  expose: boolean;
  /** How many clients have metrics of their own. */
  topClients: number;
}

/** How certificates are ordered (RFC 8555). */
export interface AcmeConfig {
  /** URL of the directory. */
  directory: string;
  /** "" for none. */
  email: string;
  /** Whether the server's terms of service are agreed to. */
  termsAgreed: boolean;
  /** Absolute path of the folder. */
  storage: string;
  /** "" for the server's usual one. */
  profile: string;
  /** Common name of the authority that the chain should end in; "" for the server's first choice. */
  preferredChain: string;
  /** External account; "" for none. */
  eabKid: string;
  /** Absolute path; "" for none. */
  eabKeyFile: string;
  /** PEM file, absolute, that vouches for the directory's own HTTPS; "" for the public authorities. */
  ca: string;
}

/** Plain HTTP that is sent on to HTTPS. */
export interface RedirectConfig {
  /** `null` = off. */
  listen: Address | null;
}

export interface Config {
  /** Absolute path of the file that it came from; `null` where it came from flags alone. */
  file: string | null;
  workers: "auto" | number;
  reload: Word<"reload">;
  /** How long connections may live on after a reload, in milliseconds; 0 = as long as they like. */
  reloadGraceMs: number;
  listeners: ListenerConfig[];
  acme: AcmeConfig;
  redirect: RedirectConfig;
  log: LogConfig;
  admin: AdminConfig;
  shutdown: { graceMs: number };
}

/** Where the connections of a listener can go: its routes in order, and its own backend. */
export function targetsOf(listener: ListenerConfig): TargetConfig[] {
  return [...listener.routes, ...listener.backend.length > 0 ? [listener] : []];
}

/** Every address that connections of a target can go to: its backends in order, then its spares. */
export function addressesOf({ backend, spare }: TargetConfig): Address[] {
  return [...backend.map(({ to }) => to), ...spare];
}
