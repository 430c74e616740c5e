import assert from "node:assert/strict";

/**
 * Prints each function that an object of a connection keeps, with whether it is in V8's young generation. One in the
 * old generation keeps its connection until a full collection.
 */
const PROGRAM = `
  import { DenoConn, DenoTlsConn } from ${JSON.stringify(import.meta.resolve("../../src/engines/deno/deno_conn.ts"))};
  import { Relay } from ${JSON.stringify(import.meta.resolve("../../src/proxy/relay/relay.ts"))};
  const isYoung = new Function("value", "return %InYoungGeneration(value)");
  const never = () => new Promise(() => {});
  const inner = () => ({ read: never, write: never, handshake: never });
  const report = (what, object) => {
    for (const [name, value] of Object.entries(object)) {
      if (typeof value === "function") console.log(what, name, isYoung(value) ? "young" : "old");
    }
  };
  const receiver = { received() {}, written() {}, failed() {} };
  for (const conn of [new DenoConn(inner(), 512), new DenoTlsConn(inner())]) {
    conn.handshake();
    conn.read();
    conn.write(new Uint8Array(1));
    conn.readFor(receiver);
    conn.writeFor(new Uint8Array(1), receiver);
    report(conn.constructor.name, conn);
  }
  // A connection of an engine that has neither readFor nor writeFor.
  const plain = { read: () => Promise.resolve(new Uint8Array(1)), write: never };
  const relay = new Relay(plain, plain, { moved() {} });
  relay.start();
  await new Promise((resolve) => setTimeout(resolve));
  report("Relay", relay);
`;

Deno.test("what a connection keeps functions for is young, so that it ends with the connection", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--allow-natives-syntax", PROGRAM],
    env: { NO_COLOR: "1" },
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assert.equal(lines.length, 7 + 7 + 3, new TextDecoder().decode(stderr));
  assert.deepEqual(lines.filter((line) => !line.endsWith(" young")), []);
});
