/** The validated configuration: plain data with every default filled in, so that it can be posted to a worker. */
import type { Address } from "../net/address.ts";

export type Spread = "connection" | "client";
export type Balance = "least-conn" | "round-robin";
export type TlsVersion = "1.2" | "1.3";
type EngineChoice = "auto" | "native" | "node";
export type ClientAuthMode = "none" | "optional" | "required";
type ProxyProtocolVersion = "off" | "v1" | "v2";
export type ProxyProtocolTlv = "alpn" | "authority" | "ssl" | "client-cert" | "unique-id" | "crc32c" | "forwarded";

export interface CertificateConfig {
  /** PEM file, absolute: leaf first, then its chain. */
  cert: string;
  /** PEM file, absolute. */
  key: string;
  /** Server names it answers for; empty: the names in the certificate. */
  names: string[];
}

export interface ListenerConfig {
  /** Unique; the label in logs and metrics. */
  name: string;
  /** At least one. */
  listen: Address[];
  /** How connections are divided among the workers: each one for itself, or all of one client address together. */
  spread: Spread;
  /** At least one. */
  backend: Address[];
  balance: Balance;
  /** The first answers for unknown names. At least one, unless `acme` is set. */
  certificates: CertificateConfig[];
  /** DNS names and IP addresses of one more certificate, which is ordered; empty: none is. */
  acme: string[];
  sniStrict: boolean;
  /** In order of preference; empty: no ALPN. */
  alpn: string[];
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  engine: EngineChoice;
  proxyProtocol: ProxyProtocolVersion;
  proxyProtocolTlvs: ProxyProtocolTlv[];
  /** The list stands in the configuration: an engine that cannot tell something in it will not do. */
  proxyProtocolTlvsNamed: boolean;
  /** CIDRs that may send, and then must send, a PROXY header. */
  acceptProxy: string[];
  clientAuth: {
    mode: ClientAuthMode;
    /** PEM file, absolute; set unless mode is `none`. */
    ca: string | null;
    allowCn: string[];
    allowDns: string[];
    allowUri: string[];
  };
  /** Milliseconds; 0 = off. */
  timeouts: {
    handshakeMs: number;
    connectMs: number;
    idleMs: number;
    halfCloseMs: number;
    lifetimeMs: number;
  };
  /** 0 = no limit. */
  limits: {
    connections: number;
    perClient: number;
    handshakesPerSecond: number;
    backlog: number;
  };
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "auto" | "text" | "json" | "journald";

export interface LogConfig {
  level: LogLevel;
  format: LogFormat;
  /** One record for each closed connection. */
  access: boolean;
  /** Milliseconds; 0 = off. */
  metricsIntervalMs: number;
  /** Absolute path; "" = stderr. */
  file: string;
  /** Bytes at which the file is rotated; 0 = never. */
  fileSize: number;
  /** Rotated files kept beside the live one. */
  fileCount: number;
}

export interface AdminConfig {
  /** `null` = off. */
  listen: Address | null;
  /** Allows an address other than loopback or Unix. */
  expose: boolean;
  /** Clients shown one by one in the metrics. */
  topClients: number;
}

/** How certificates are ordered (RFC 8555). */
export interface AcmeConfig {
  /** URL of the directory. */
  directory: string;
  /** "" for none. */
  email: string;
  /** The server's terms of service are agreed to. */
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

export interface Config {
  /** Absolute path of the file it came from; `null`: flags alone. */
  file: string | null;
  workers: "auto" | number;
  reload: "signal" | "watch";
  listeners: ListenerConfig[];
  acme: AcmeConfig;
  log: LogConfig;
  admin: AdminConfig;
  shutdown: { graceMs: number };
}
