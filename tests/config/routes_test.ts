import assert from "node:assert/strict";
import type { ConfigFlags } from "../../src/config/flags.ts";
import { loadConfig } from "../../src/config/load.ts";
import { lines, parse, problemsOf, SHORT } from "./files.ts";

const LISTENER = SHORT + 'alpn = ["h2", "http/1.1"]\n';

/** What a listener with these routes gives; lines of the file are counted from 7. */
function added(...lines: string[]): string[] {
  return problemsOf(LISTENER + lines.join("\n")).map((line) => line.replace("proxy.toml:", ""));
}

const ROUTE = "[[listener.route]]";
const BACKEND = 'backend = "unix:api.sock"';

Deno.test("parseConfig() names a route by its first server name, else its protocols, and fills in what it inherits", () => {
  const { config, problems } = parse(
    LISTENER.replace("alpn", 'balance = "round-robin"\nproxy-protocol = "v2"\nproxy-protocol-tlvs = ["alpn"]\nalpn') +
      [ROUTE, 'server-name = ["A.example.", "*.b.example"]', 'alpn = ["h2"]', BACKEND].join("\n") +
      [ROUTE, 'alpn = ["http/1.1", "h2"]', BACKEND, 'balance = "least-conn"', 'proxy-protocol = "off"'].join("\n")
        .replace(/^/, "\n") +
      [ROUTE, 'server-name = "c.example"', "passthrough = true", BACKEND].join("\n").replace(/^/, "\n"),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    config!.listeners[0].routes.map(({ name, serverNames, balance, proxyProtocol, proxyProtocolTlvs }) => ({
      name,
      serverNames,
      balance,
      proxyProtocol,
      proxyProtocolTlvs,
    })),
    [
      {
        name: "a.example",
        serverNames: ["a.example", "*.b.example"],
        balance: "round-robin",
        proxyProtocol: "v2",
        proxyProtocolTlvs: ["alpn"],
      },
      {
        name: "http/1.1,h2",
        serverNames: [],
        balance: "least-conn",
        proxyProtocol: "off",
        proxyProtocolTlvs: ["alpn"],
      },
      // What the client agrees on with the backend is not known here.
      {
        name: "c.example",
        serverNames: ["c.example"],
        balance: "round-robin",
        proxyProtocol: "v2",
        proxyProtocolTlvs: [],
      },
    ],
  );
});

Deno.test("checkConfig() wants a backend of the listener or routes, and no certificate where all TLS is passed through", () => {
  const without = (...names: string[]) =>
    LISTENER.split("\n").filter((line) => !names.some((name) => line.startsWith(name))).join("\n");
  const passes = [ROUTE, "passthrough = true", BACKEND].join("\n");
  assert.deepEqual(problemsOf(without("backend")), [
    "proxy.toml:1:1: listener.backend: missing, must be given: where the application listens",
  ]);
  assert.deepEqual(problemsOf(without("alpn", "backend", "cert", "key") + passes), []);
  const keys = ['alpn = ["h2"]', 'min-version = "1.3"', 'max-version = "1.3"', "sni-strict = true"];
  assert.deepEqual(
    problemsOf(`${without("alpn", "backend", "cert", "key")}\n${keys.join("\n")}\n${passes}`)
      .filter((problem) => problem.includes("has no effect")).map((problem) => problem.replace(/.*warning: /, "")),
    ["alpn", "min-version", "max-version", "sni-strict"]
      .map((key) => `listener.${key}: has no effect: every route passes TLS through`),
  );
  assert.deepEqual(
    problemsOf(without("backend", "cert", "key") + passes.replace("passthrough = true", 'alpn = ["h2"]')),
    [
      "proxy.toml:1:1: listener.cert: missing, cert and key (or certificates, or acme) must be given",
    ],
  );
  assert.deepEqual(added(ROUTE, 'alpn = ["h2"]'), [
    "7:1: listener.route.backend: missing, must be given: where its application listens: one address or a list, each also with a weight",
  ]);
  assert.deepEqual(added(ROUTE, 'backend = "[::]:8443"', 'alpn = ["h2"]'), [
    '8:1: listener.route.backend: found "[::]:8443", the listener would connect to itself',
  ]);
});

Deno.test("checkConfig() refuses two routes of one name", () => {
  assert.deepEqual(
    added(ROUTE, BACKEND, 'name = "x"\nserver-name = "a"', ROUTE, BACKEND, 'server-name = "b"', 'name = "x"'),
    [
      '14:1: listener.route.name: found the name "x", another route (line 9) has it: give each a name of its own',
    ],
  );
  assert.deepEqual(
    added(ROUTE, BACKEND, 'server-name = "a"\nalpn = ["h2"]', ROUTE, BACKEND, 'server-name = "a"\nalpn = ["http/1.1"]'),
    ['11:1: listener.route: found the name "a", another route (line 7) has it: give each a name of its own'],
  );
});

Deno.test("checkConfig() refuses a protocol that the listener does not offer", () => {
  assert.deepEqual(added(ROUTE, BACKEND, 'alpn = ["h2", "h3"]'), [
    '9:15: listener.route.alpn: found "h3", must be one of the listener\'s alpn, which offers "h2", "http/1.1"',
  ]);
});

Deno.test("checkConfig() refuses a route that an earlier one leaves nothing of", () => {
  const first = (...keys: string[]) => [ROUTE, BACKEND, 'name = "first"', ...keys];
  const second = (...keys: string[]) => [ROUTE, BACKEND, 'name = "second"', ...keys];
  const never = 'can never match: route "first" comes first and takes all of it';
  assert.deepEqual(added(...first('server-name = "*.example"'), ...second('server-name = "a.example"')), [
    `14:1: listener.route.server-name: ${never}`,
  ]);
  assert.deepEqual(added(...first('alpn = ["h2"]'), ...second('server-name = "a.example"', 'alpn = ["h2"]')), [
    `14:1: listener.route.server-name: ${never}`,
  ]);
  assert.deepEqual(
    added(...first("passthrough = true"), ...second()),
    [
      '3:1: listener.backend: warning: never gets a connection: route "first" takes all that come',
      `11:1: listener.route: ${never}`,
    ].map((line) => line.replace(/^(3:1): (.*): warning: /, "$1: warning: $2: ")),
  );
  assert.deepEqual(added(...first('server-name = ["a", "b"]'), ...second('server-name = ["b", "c"]')), [
    '14:16: warning: listener.route.server-name: found "b", never matches here: route "first" comes first',
  ]);
  // Two routes together take both protocols of the name.
  assert.deepEqual(
    added(
      ...first('alpn = ["h2"]'),
      ...second('server-name = "a"', 'alpn = ["http/1.1"]'),
      ...[ROUTE, BACKEND, 'name = "third"', 'server-name = "a"', 'alpn = ["h2", "http/1.1"]'],
    ),
    ['19:1: listener.route.server-name: can never match: route "first" comes first and takes all of it'],
  );
  // The second route still takes clients without a protocol, other labels, and names of its own.
  assert.deepEqual(added(...first('alpn = ["h2", "http/1.1"]'), ...second('server-name = "a"')), []);
  assert.deepEqual(added(...first('server-name = "*.example"'), ...second('server-name = "a.b.example"')), []);
  assert.deepEqual(added(...first('server-name = "a.example"'), ...second('server-name = "*.example"')), []);
});

Deno.test("checkConfig() refuses passthrough beside what only terminating TLS can do", () => {
  const passes = [ROUTE, BACKEND, 'server-name = "a"', "passthrough = true"];
  assert.deepEqual(added(...passes, 'alpn = ["h2"]'), [
    "11:1: listener.route.alpn: cannot go with passthrough: what is agreed is between the client and the backend",
  ]);
  assert.deepEqual(added(...passes, 'proxy-protocol = "v2"', 'proxy-protocol-tlvs = ["authority", "ssl"]'), [
    '12:1: listener.route.proxy-protocol-tlvs: found "ssl", cannot go with passthrough: the client\'s TLS is not terminated here',
  ]);
  assert.deepEqual(added(...passes, "[listener.client-auth]", 'mode = "required"', 'ca = "ca.pem"'), [
    '10:1: listener.route.passthrough: found true, cannot go with client-auth.mode = "required": ' +
    "nobody would look at the clients' certificates",
  ]);
});

Deno.test("checkConfig() wants v2 where a route names TLVs", () => {
  assert.deepEqual(added(ROUTE, BACKEND, 'alpn = ["h2"]', 'proxy-protocol-tlvs = ["alpn"]'), [
    '10:1: listener.route.proxy-protocol-tlvs: needs proxy-protocol = "v2", which is "off"',
  ]);
});

Deno.test("loadConfig() makes routes of --route, instead of those of the file", async () => {
  const flags: ConfigFlags = {
    listen: [":8443"],
    cert: "c.pem",
    key: "k.pem",
    route: ["api.example=unix:api.sock", "*.example=127.0.0.1:80"],
  };
  const { config, problems } = await loadConfig(null, flags, "/work");
  assert.deepEqual(problems, []);
  assert.deepEqual(
    config!.listeners[0].routes.map((
      { name, serverNames, backend },
    ) => [name, serverNames, backend.map(({ to }) => to)]),
    [
      ["api.example", ["api.example"], [{ transport: "unix", path: "/work/api.sock" }]],
      ["*.example", ["*.example"], [{ transport: "tcp", hostname: "127.0.0.1", port: 80 }]],
    ],
  );
  const over = parse(LISTENER + [ROUTE, BACKEND, 'server-name = "old"'].join("\n"), { route: ["new=unix:n"] });
  assert.deepEqual(over.config!.listeners[0].routes.map(({ name }) => name), ["new"]);
  assert.deepEqual(lines(await loadConfig(null, { ...flags, route: ["a=unix:x", "a=unix:y"] }, "/")), [
    '--route: found the name "a", another route has it: give each a name of its own',
    '--route: can never match: route "a" comes first and takes all of it',
  ]);
});

Deno.test("parseConfig() takes backends with weights, spares and health checks, which a route inherits key by key", () => {
  const { config, problems } = parse(
    LISTENER.replace(
      /backend.*/,
      'backend = ["unix:a.sock", { to = "unix:b.sock", weight = 3 }]\nspare = "unix:c.sock"',
    ) +
      [
        ROUTE,
        'server-name = "a"',
        'backend = "unix:c.sock"',
        "[listener.route.health]",
        "rise = 5",
        ROUTE,
        'server-name = "b"',
        "passthrough = true",
        BACKEND,
        "[listener.health]",
        'interval = "2s"',
        'path = "/healthz"',
      ].join("\n"),
  );
  assert.deepEqual(problems, []);
  const [{ backend, routes, health }] = config!.listeners;
  assert.deepEqual(backend.map(({ weight }) => weight), [1, 3]);
  assert.deepEqual(health, { intervalMs: 2000, timeoutMs: 2000, rise: 2, fall: 3, path: "/healthz" });
  assert.deepEqual(routes.map((route) => [route.spare.length, route.health.rise, route.health.path]), [
    // The spare that it would inherit is its own backend.
    [0, 5, "/healthz"],
    // A backend that speaks TLS itself cannot be asked for a path, nor be replaced by one that does not.
    [0, 2, ""],
  ]);
});

Deno.test("checkConfig() refuses backends, spares and health checks that cannot be meant", () => {
  const other = (...lines: string[]) => added(ROUTE, 'alpn = ["h2"]', ...lines);
  const health = (...lines: string[]) => added("[listener.health]", ...lines);
  assert.deepEqual(other('backend = { to = "unix:a", weight = 0 }'), [
    "9:28: listener.route.backend.weight: found 0, must be a whole number from 1 to 256",
  ]);
  assert.deepEqual(other('backend = ["unix:a", { to = "unix:b", wieght = 2 }]'), [
    '9:39: listener.route.backend.wieght: unknown key, did you mean "weight"?',
  ]);
  assert.deepEqual(other('backend = [{ to = "unix:a", share = 2 }]'), [
    '9:29: listener.route.backend.share: unknown key, must be one of "to", "weight"',
  ]);
  assert.deepEqual(other('backend = [{ to = "unix", weight = 2 }]').map((line) => line.split(": found")[0]), [
    "9:14: listener.route.backend.to",
  ]);
  assert.deepEqual(other("backend = [{ weight = 2 }]"), [
    "9:12: listener.route.backend: found a table, must have to: the backend's address",
  ]);
  assert.deepEqual(other('backend = ["unix:a", { to = "unix:a" }]'), [
    '9:22: listener.route.backend: found "unix:/etc/app/a", must not be given twice',
  ]);
  assert.deepEqual(other('backend = ["unix:a", "unix:b"]', 'spare = ["unix:c", "unix:b"]'), [
    '10:20: listener.route.spare: found "unix:/etc/app/b", it is a backend already',
  ]);
  assert.deepEqual(health("rise = 0"), ["8:1: listener.health.rise: found 0, must be a whole number from 1 to 100"]);
  assert.deepEqual(health('path = "healthz"'), [
    '8:1: listener.health.path: found "healthz", must be a path such as "/healthz", or "" for none: it begins with a slash',
  ]);
  assert.deepEqual(health('path = "/a b"'), [
    '8:1: listener.health.path: found "/a b", must be a path such as "/healthz", or "" for none: ' +
    "a space, or what is not ASCII, is written as %20 and the like",
  ]);
  assert.deepEqual(
    added(ROUTE, 'server-name = "a"', BACKEND, "passthrough = true", '[listener.route.health]\npath = "/x"'),
    [
      '12:1: listener.route.health.path: found "/x", cannot go with passthrough: the backend speaks TLS, a connect has to be enough',
    ],
  );
  assert.deepEqual(problemsOf(LISTENER.replace(":8443", "unix:in.sock") + 'balance = "client"'), [
    'proxy.toml:7:1: listener.balance: found "client", cannot go with "unix:/etc/app/in.sock": ' +
    "clients of a Unix socket have no address",
  ]);
});

Deno.test("checkConfig() warns of keys about probes where no backend is probed", () => {
  const none = "has no effect while interval is 0: no backend is probed";
  assert.deepEqual(added('[listener.health]\npath = "/healthz"', "rise = 3"), [
    `8:1: warning: listener.health.path: ${none}`,
    `9:1: warning: listener.health.rise: ${none}`,
  ]);
  const route = (...health: string[]) => [ROUTE, BACKEND, 'alpn = ["h2"]', "[listener.route.health]", ...health];
  // The route takes the path of its listener, and has a threshold of its own.
  assert.deepEqual(
    added('[listener.health]\npath = "/healthz"', "fall = 3", ...route("fall = 2", 'interval = "1s"')),
    [`9:1: warning: listener.health.fall: ${none}`],
  );
  assert.deepEqual(added('[listener.health]\ninterval = "1s"', ...route("interval = 0", "fall = 2")), [
    `14:1: warning: listener.route.health.fall: ${none}`,
  ]);
});
