import type { EngineName, RuntimeName } from "../runtimes/name.ts";

/** What a listener may ask of an engine beyond one certificate, ALPN, and TLS 1.2 and 1.3. */
export const FEATURES = {
  "several-certificates": "several certificates, chosen by server name (SNI) and by the keys that a client can use",
  "old-certificate": "a certificate of X.509 version 1",
  "critical-extension": "a certificate with a critical extension that is uncommon in those of servers",
  "sni-strict": "the alert unrecognized_name for unknown server names (sni-strict)",
  "client-auth": "client certificates (client-auth)",
  "version-limits": "version limits (min-version, max-version)",
  "unix-listen": "TLS over a Unix socket (listen)",
  "routes-by-name": "routes by server name",
  "name-refusal": "the alert unrecognized_name for server names that have no route",
  "alpn-by-name": "other protocols (ALPN) for other server names",
  "passthrough": "routes that pass TLS through (passthrough)",
  "accept-proxy": "a PROXY header in front of TLS (accept-proxy)",
  "inherited-socket": "an inherited socket (socket activation)",
  "acme": 'the challenge of ACME (acme); with engine = "auto", node serves new connections while a name is validated',
  "abstract-listen": "TLS over an abstract Unix socket (listen = unix:@name), with new certificates at a reload",
  "abstract-names": "abstract Unix sockets (unix:@name, listen and backend)",
  "tls-details": "version, cipher, SNI and resumption of a connection, for records and PROXY protocol TLVs",
} as const;

/** A key of {@linkcode FEATURES}. */
export type Feature = keyof typeof FEATURES;

/** Why an engine cannot do something, to follow "native on Deno". */
type Lacks = Partial<Record<Feature, string>>;

const UNKNOWN_TO_WEBPKI = "does not know it, and can show the certificate to nobody (Bun and Node can)";

/**
 * What each engine lacks on each runtime; `null` where a runtime has no such engine. The choice of a listener's engine
 * and the reference's table come from here. All engines take PEM keys of the kinds that `private_key.ts` accepts.
 */
export const CAPABILITIES: Record<RuntimeName, Record<EngineName, Lacks | null>> = {
  deno: {
    native: {
      "several-certificates": "holds one certificate for each listener",
      "old-certificate": "shows those of version 3 alone",
      "critical-extension": UNKNOWN_TO_WEBPKI,
      "sni-strict": "does not tell the server name before the handshake has ended",
      "routes-by-name": "does not tell the server name",
      "name-refusal": "does not tell the server name",
      "alpn-by-name": "offers every client the same protocols",
      "passthrough": "begins TLS with the first byte",
      "client-auth": "cannot ask for client certificates",
      "version-limits": "always offers TLS 1.2 and 1.3",
      "unix-listen": "listens on TCP alone",
      "abstract-listen": "listens on TCP alone",
      "accept-proxy": "begins TLS with the first byte",
      "inherited-socket": "cannot adopt a descriptor",
      "acme": "does not tell what a client offers before the handshake has ended",
      "tls-details": "tells nothing of a handshake but ALPN",
    },
    node: { "critical-extension": UNKNOWN_TO_WEBPKI },
  },
  bun: {
    native: {
      "several-certificates": "holds one certificate for each listener",
      "sni-strict": "does not tell the server name before the handshake has ended",
      "name-refusal": "does not tell the server name before the handshake has ended",
      "alpn-by-name": "offers every client the same protocols",
      "passthrough": "begins TLS with the first byte",
      "accept-proxy": "begins TLS with the first byte",
      "inherited-socket": "cannot adopt a descriptor",
      "abstract-listen": "cannot take new certificates on the same socket, and an abstract name has one socket",
      "acme": "does not tell what a client offers before the handshake has ended",
    },
    node: {},
  },
  // As of Node 20.
  node: { native: null, node: { "abstract-names": "cannot use abstract names" } },
};

/** What an engine does in another way than the others, where a listener asks for a feature; for `check`. */
export const CAVEATS: Partial<Record<RuntimeName, Partial<Record<EngineName, Partial<Record<Feature, string[]>>>>>> = {
  deno: {
    node: {
      "client-auth": [
        "clients are not told which authorities may have signed their certificate",
        "a client that resumes a session begun before client-auth was set is refused until its ticket expires",
        "client certificates of X.509 version 1 are refused",
      ],
    },
  },
};

/** The hybrid of X25519 and ML-KEM-768, which keeps what is recorded today safe from quantum computers. */
export const POST_QUANTUM_GROUP = "X25519MLKEM768";

/**
 * When a runtime agrees on {@linkcode POST_QUANTUM_GROUP} with a client that offers it, by each of its engines:
 * `preferred` also where the client has sent a share of X25519 beside it, as browsers do, and `accepted` only where it
 * has not. Node links the OpenSSL that it comes with: only 24 and newer have the group.
 */
export const POST_QUANTUM: Record<RuntimeName, "preferred" | "accepted" | "newer"> = {
  // rustls without its feature "prefer-post-quantum".
  deno: "accepted",
  bun: "preferred",
  node: "newer",
};

const POST_QUANTUM_CELLS = {
  preferred: "yes",
  accepted: "unless X25519 is sent too",
  newer: "from Node 24 on",
} as const;

/** The names of the runtimes for people. */
export const RUNTIME_TITLES: Record<RuntimeName, string> = { deno: "Deno", bun: "Bun", node: "Node" };

/** Writes the table of the engines' features in Markdown, for the reference. */
export function describeCapabilities(): string {
  const columns = (Object.keys(CAPABILITIES) as RuntimeName[]).flatMap((runtime) =>
    (Object.keys(CAPABILITIES[runtime]) as EngineName[])
      .map((engine) => ({
        runtime,
        title: `\`${engine}\` on ${RUNTIME_TITLES[runtime]}`,
        lacks: CAPABILITIES[runtime][engine],
      }))
      .filter((column): column is typeof column & { lacks: Lacks } => column.lacks !== null)
  );
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...columns.map(({ title }) => title)]),
    row(["---", ...columns.map(() => ":-:")]),
    row(["one certificate, ALPN, TLS 1.2 and 1.3", ...columns.map(() => "yes")]),
    row([
      `post-quantum key exchange (${POST_QUANTUM_GROUP})`,
      ...columns.map(({ runtime }) => POST_QUANTUM_CELLS[POST_QUANTUM[runtime]]),
    ]),
    ...(Object.entries(FEATURES) as [Feature, string][]).map(([feature, title]) =>
      row([title, ...columns.map(({ lacks }) => lacks[feature] === undefined ? "yes" : "no")])
    ),
  ].join("\n");
}
