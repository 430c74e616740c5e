import { type CertificateConfig, type ListenerConfig, WORDS } from "../config.ts";
import { HEALTH, labelKey, PROTOCOLS, ROUTE, type RouteFile, TARGET } from "./schema_route.ts";
import { type Fields, key, table, tableList } from "./schema_types.ts";
import * as types from "./value_types.ts";
import { backends } from "./value_types_backend.ts";
import { certificateName } from "./value_types_acme.ts";

/** A listener as the file has it: its first certificate apart from the others. */
export interface ListenerFile
  extends Omit<ListenerConfig, "certificates" | "clientAuth" | "routes" | "proxyProtocolTlvsNamed"> {
  routes: RouteFile[];
  certificates: CertificateFile[];
  cert: string;
  key: string;
  keyPassphraseFile: string;
  clientAuth: Omit<ListenerConfig["clientAuth"], "ca"> & { ca: string };
}

type CertificateFile = Omit<CertificateConfig, "path">;

/** The keys of a certificate's files. The listener's own may be left out. */
function certificateFiles(optional: boolean): Pick<Fields<CertificateFile>, "cert" | "key" | "keyPassphraseFile"> {
  const path = types.path({ optional });
  const absent: Parameters<typeof key<string>>[2] = optional ? { default: "" } : { placeholder: "" };
  return {
    cert: key("cert", path, absent, "PEM file: the leaf certificate first, then its chain"),
    key: key("key", path, absent, "PEM file: the private key"),
    keyPassphraseFile: key(
      "key-passphrase-file",
      types.path({ optional: true }),
      { default: "", defaultNote: "none: the key is not encrypted" },
      "file: the passphrase of an encrypted private key, and nothing else",
    ),
  };
}

const CERTIFICATE: Fields<CertificateFile> = {
  ...certificateFiles(false),
  names: key(
    "names",
    types.list(types.serverName()),
    { default: [], defaultNote: "the names in the certificate" },
    "server names (SNI) that this certificate answers for",
  ),
};

const CLIENT_AUTH: Fields<ListenerFile["clientAuth"]> = {
  mode: key(
    "mode",
    types.oneOf(...WORDS.clientAuthMode),
    { default: "none" },
    "whether clients need not, may or must show a certificate (mutual TLS)",
  ),
  ca: key(
    "ca",
    types.path({ optional: true }),
    { default: "" },
    "PEM file: the authorities that sign clients' certificates",
  ),
  crl: key(
    "crl",
    types.list(types.path({ optional: false }), { unique: (path) => path }),
    { default: [] },
    "PEM or DER files of revocation lists; given any, every issuer on a client's path needs a current one",
  ),
  allowCn: key(
    "allow-cn",
    types.list(types.pattern()),
    { default: [] },
    "common names that are admitted, * for any characters; a match in any allow list admits, without lists every certificate does",
  ),
  allowDns: key(
    "allow-dns",
    types.list(types.pattern()),
    { default: [] },
    "DNS names that are admitted, like allow-cn",
  ),
  allowUri: key(
    "allow-uri",
    types.list(types.pattern()),
    { default: [] },
    "URIs (SPIFFE IDs) that are admitted, like allow-cn",
  ),
};

const TIMEOUTS: Fields<ListenerConfig["timeouts"]> = {
  handshakeMs: key("handshake", types.duration(), { default: "10s" }, "how long the TLS handshake may take"),
  connectMs: key(
    "connect",
    types.duration(),
    { default: "5s" },
    "how long connecting to a backend may take, retries included",
  ),
  retryMs: key(
    "retry",
    types.duration(),
    { default: "1s" },
    "how long a new connection waits for a backend while all of them refuse, within connect",
  ),
  idleMs: key(
    "idle",
    types.duration(),
    { default: "1h" },
    "how long both directions may be silent, and no peer take anything",
  ),
  halfCloseMs: key(
    "half-close",
    types.duration(),
    { default: "60s" },
    "how long one direction may be silent after the other has ended",
  ),
  lifetimeMs: key("lifetime", types.duration(), { default: 0 }, "how long a connection may last"),
};

const LIMITS: Fields<ListenerConfig["limits"]> = {
  connections: key(
    "connections",
    types.integer(0),
    { default: 0 },
    "open connections over all workers, 0 for no limit; more wait in the kernel's backlog (native on Deno) or are closed at once",
  ),
  perClient: key(
    "per-client",
    types.integer(0),
    { default: 0 },
    "open connections of one address (IPv6: one /64), 0 for no limit; more are closed at once",
  ),
  handshakesPerSecond: key(
    "handshakes-per-second",
    types.integer(0),
    { default: 0 },
    "new handshakes per second, 0 for no limit; more wait (native on Deno) or are closed at once",
  ),
  backlog: key("backlog", types.integer(1, 65535), { default: 4096 }, "connections that the kernel keeps waiting"),
};

/** Every key of `[[listener]]`. */
export const LISTENER: Fields<ListenerFile> = {
  name: labelKey("its first address"),
  listen: key(
    "listen",
    types.addresses("listen"),
    { placeholder: [] },
    'where clients connect: one address or a list; ":8443" is all addresses, IPv4 and IPv6',
  ),
  listenMode: key(
    "listen-mode",
    types.fileMode(),
    { default: "", defaultNote: "by the umask" },
    "permissions of the Unix socket that it listens on; whoever may write to it may connect",
  ),
  listenOwner: key(
    "listen-owner",
    types.text(0, 64),
    { default: "", defaultNote: "the program's user" },
    "user that owns the Unix socket, by name or number",
  ),
  listenGroup: key(
    "listen-group",
    types.text(0, 64),
    { default: "", defaultNote: "the program's group" },
    "group that owns the Unix socket, by name or number",
  ),
  spread: key(
    "spread",
    types.oneOf(...WORDS.spread),
    { default: "connection" },
    'how workers share the connections: "client" gives all of one address to the same worker, so that its TLS sessions resume',
  ),
  backend: key(
    "backend",
    backends({ optional: true }),
    { default: [], defaultNote: "none, which is allowed beside routes alone" },
    "where the application listens: one address or a list, each also with a weight; beside routes it gets the rest",
  ),
  spare: TARGET.spare,
  balance: TARGET.balance,
  routes: tableList(
    "route",
    ROUTE,
    "one application of several behind the same address; in order, the first that matches takes a connection",
  ),
  ...certificateFiles(true),
  certificates: tableList(
    "certificates",
    CERTIFICATE,
    "more certificates, chosen by server name (SNI) and, where several have the name, by the keys that a client can use",
  ),
  acme: key(
    "acme",
    types.list(certificateName(), { unique: (name) => name }),
    { default: [] },
    "DNS names and IP addresses of a certificate that is ordered and renewed by itself, after the others; see [acme]",
  ),
  sniStrict: key(
    "sni-strict",
    types.boolean(),
    { default: false },
    "refuse unknown server names; otherwise the first certificate answers",
  ),
  alpn: key(
    "alpn",
    PROTOCOLS,
    { default: [] },
    'application protocols offered, preferred first, such as "h2"',
  ),
  minVersion: key("min-version", types.oneOf(...WORDS.tlsVersion), { default: "1.2" }, "lowest TLS version"),
  maxVersion: key("max-version", types.oneOf(...WORDS.tlsVersion), { default: "1.3" }, "highest TLS version"),
  engine: key("engine", types.oneOf(...WORDS.engine), { default: "auto" }, "which engine does TLS"),
  proxyProtocol: TARGET.proxyProtocol,
  proxyProtocolTlvs: TARGET.proxyProtocolTlvs,
  acceptProxy: key(
    "accept-proxy",
    types.list(types.network()),
    { default: [] },
    "networks that may send, and then must send, a PROXY header in front of their TLS",
  ),
  clientAuth: table("client-auth", CLIENT_AUTH, "mutual TLS"),
  timeouts: table("timeouts", TIMEOUTS, "how long each part of a connection may take; 0 is off"),
  health: table("health", HEALTH, "how it is found out which backends are well"),
  limits: table("limits", LIMITS, "the limits of one listener"),
};
