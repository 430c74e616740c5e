import type { ListenerConfig, RouteConfig } from "../../src/config/config.ts";

/** A listener with every default, and one certificate. */
export function makeListenerConfig(overrides: Partial<ListenerConfig> = {}): ListenerConfig {
  return {
    name: "web",
    listen: [{ transport: "tcp", hostname: "127.0.0.1", port: 0 }],
    listenMode: "",
    listenOwner: "",
    listenGroup: "",
    spread: "connection",
    backend: [{ to: { transport: "unix", path: "/run/app.sock" }, weight: 1 }],
    spare: [],
    health: { intervalMs: 0, timeoutMs: 2000, rise: 2, fall: 3, path: "" },
    balance: "least-conn",
    routes: [],
    certificates: [{ path: [], cert: "/none/cert.pem", key: "/none/key.pem", keyPassphraseFile: "", names: [] }],
    acme: [],
    sniStrict: false,
    alpn: [],
    minVersion: "1.2",
    maxVersion: "1.3",
    engine: "auto",
    proxyProtocol: "off",
    proxyProtocolTlvs: [],
    proxyProtocolTlvsNamed: false,
    acceptProxy: [],
    clientAuth: { mode: "none", ca: null, crl: [], allowCn: [], allowDns: [], allowUri: [] },
    timeouts: { handshakeMs: 0, connectMs: 0, retryMs: 0, idleMs: 0, halfCloseMs: 0, lifetimeMs: 0 },
    limits: { connections: 0, perClient: 0, handshakesPerSecond: 0, backlog: 4096 },
    ...overrides,
  };
}

/** A route that takes every connection, to a socket of its own. */
export function makeRoute(overrides: Partial<RouteConfig> = {}): RouteConfig {
  return {
    name: "api",
    serverNames: [],
    alpn: [],
    passthrough: false,
    backend: [{ to: { transport: "unix", path: "/run/api.sock" }, weight: 1 }],
    spare: [],
    health: { intervalMs: 0, timeoutMs: 2000, rise: 2, fall: 3, path: "" },
    balance: "least-conn",
    proxyProtocol: "off",
    proxyProtocolTlvs: [],
    proxyProtocolTlvsNamed: false,
    ...overrides,
  };
}
