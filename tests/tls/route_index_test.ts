import assert from "node:assert/strict";
import { OWN_BACKEND, RouteIndex, type RouteMatch, type RouteRules } from "../../src/tls/route_index.ts";

function route(serverNames: string[], alpn: string[] = [], passthrough = false): RouteMatch {
  return { serverNames, alpn, passthrough };
}

function index(routes: RouteMatch[], rest: Partial<RouteRules> = {}): RouteIndex {
  return new RouteIndex({ routes, fallback: false, alpn: ["h2", "http/1.1"], ...rest });
}

const terminate = (...alpn: string[]) => ({ kind: "terminate", alpn });
const UNRECOGNIZED = { kind: "refuse", alert: "unrecognized_name" };
const NO_PROTOCOL = { kind: "refuse", alert: "no_application_protocol" };

Deno.test("RouteIndex takes the first route that matches: exact names and wildcards in the order of the file", () => {
  const routes = index([
    route(["a.example"]),
    route(["*.example", "other.test"]),
    route(["b.example"]),
    route(["*.b.example"]),
  ]);
  const find = (name?: string) => routes.find(name, undefined, false);
  assert.equal(find("a.example"), 0);
  assert.equal(find("A.Example."), 0);
  assert.equal(find("b.example"), 1, "the wildcard stands before it");
  assert.equal(find("other.test"), 1);
  assert.equal(find("x.b.example"), 3, "a wildcard stands for one label");
  assert.equal(find("x.y.b.example"), null);
  assert.equal(find("example"), null);
  assert.equal(find(".example"), null, "the wildcard's label is not empty");
  assert.equal(find(undefined), null);
  assert.deepEqual(routes.decide({ serverName: "unknown.test", alpn: [] }), UNRECOGNIZED);
  assert.deepEqual(routes.decide({ serverName: null, alpn: ["h2"] }), UNRECOGNIZED);
});

Deno.test("RouteIndex goes by the protocol, and offers only what a route of the name takes", () => {
  const routes = index([route(["a.example"], ["h2"]), route(["b.example"]), route([], ["http/1.1"])]);
  assert.deepEqual(routes.decide({ serverName: "a.example", alpn: ["h2", "http/1.1"] }), terminate("h2", "http/1.1"));
  assert.deepEqual(routes.decide({ serverName: "c.example", alpn: ["h2", "http/1.1"] }), terminate("http/1.1"));
  assert.deepEqual(routes.decide({ serverName: "c.example", alpn: ["h2"] }), NO_PROTOCOL);
  assert.deepEqual(routes.decide({ serverName: "a.example", alpn: [] }), NO_PROTOCOL);
  assert.deepEqual(routes.decide({ serverName: "b.example", alpn: [] }), terminate("h2", "http/1.1"));
  assert.equal(routes.find("a.example", "h2", false), 0);
  assert.equal(routes.find("a.example", "http/1.1", false), 2);
  assert.equal(routes.find("b.example", undefined, false), 1);
  assert.equal(routes.find("c.example", undefined, false), null);
  assert.equal(routes.find(undefined, "http/1.1", false), 2);
});

Deno.test("RouteIndex gives what no route takes to the listener's own backend", () => {
  const routes = index([route(["a.example"], ["h2"])], { fallback: true });
  assert.equal(routes.find("a.example", "h2", false), 0);
  assert.equal(routes.find("a.example", "http/1.1", false), OWN_BACKEND);
  assert.equal(routes.find("b.example", undefined, false), OWN_BACKEND);
  assert.deepEqual(routes.decide({ serverName: "a.example", alpn: ["x"] }), terminate("h2", "http/1.1"));
  assert.equal(index([], { fallback: true }).find("a.example", "h2", false), OWN_BACKEND);
});

Deno.test("RouteIndex passes connections on by name, after the routes of the same name that want a protocol", () => {
  const routes = index([route(["a.example"], ["h2"]), route(["a.example", "b.example"], [], true)], { fallback: true });
  assert.deepEqual(routes.decide({ serverName: "b.example", alpn: ["h2"] }), { kind: "passthrough" });
  assert.deepEqual(routes.decide({ serverName: "a.example", alpn: ["http/1.1"] }), { kind: "passthrough" });
  assert.deepEqual(routes.decide({ serverName: "a.example", alpn: ["http/1.1", "h2"] }), terminate("h2"));
  assert.equal(routes.find("a.example", "h2", false), 0);
  assert.equal(routes.find("a.example", undefined, true), 1);
  assert.equal(routes.find("a.example", "http/1.1", false), null, "nothing of its name goes to the listener's own");
  assert.equal(routes.find("c.example", undefined, false), OWN_BACKEND);
  const all = index([route(["a.example"]), route([], [], true)]);
  for (const serverName of ["b.example", null]) {
    assert.deepEqual(
      all.decide({ serverName, alpn: [] }),
      { kind: "passthrough" },
      "without names it takes every client",
    );
    assert.equal(all.find(serverName ?? undefined, undefined, true), 1);
  }
  assert.deepEqual(all.decide({ serverName: "a.example", alpn: [] }), terminate("h2", "http/1.1"));
});

Deno.test("RouteIndex says what an engine has to know of the name before its handshake", () => {
  const says = ({ byName, alpnDiffers, refusesNames, alpn }: RouteIndex) => ({
    byName,
    alpnDiffers,
    refusesNames,
    alpn,
  });
  const all = ["h2", "http/1.1"];
  assert.deepEqual(says(index([route([], ["h2"]), route([], ["http/1.1"])])), {
    byName: false,
    alpnDiffers: false,
    refusesNames: false,
    alpn: all,
  });
  assert.deepEqual(says(index([route([], ["http/1.1"])])).alpn, ["http/1.1"]);
  assert.deepEqual(says(index([route(["a"])], { fallback: true })), {
    byName: true,
    alpnDiffers: false,
    refusesNames: false,
    alpn: all,
  });
  assert.equal(index([route(["a"])]).refusesNames, true);
  assert.equal(index([route(["a"]), route([], ["h2"])]).refusesNames, false);
  assert.equal(index([route(["a"]), route([], ["h2"])]).alpnDiffers, true);
});

Deno.test("RouteIndex finds one of ten thousand routes as it finds one of two", () => {
  const names = Array.from({ length: 10_000 }, (_, number) => `app-${number}.example`);
  const routes = index(names.map((name) => route([name])));
  assert.equal(routes.find("app-9999.example", undefined, false), 9999);
  assert.deepEqual(routes.decide({ serverName: "app-5.example", alpn: [] }), terminate("h2", "http/1.1"));
  assert.deepEqual(routes.decide({ serverName: "nobody.example", alpn: [] }), UNRECOGNIZED);
});
