import assert from "node:assert/strict";
import type { Config } from "../../src/config/config.ts";
import type { Address } from "../../src/net/address.ts";
import { assignSockets, inheritedSockets } from "../../src/systemd/activation.ts";

const environment = (values: Record<string, string>) => (name: string) => values[name];
const tcp = (port: number): Address => ({ transport: "tcp", hostname: "127.0.0.1", port });
const config = { listeners: [{ name: "web", listen: [tcp(1), tcp(2)] }, { name: "db", listen: [tcp(3)] }] } as Config;

Deno.test("inheritedSockets() takes what is for this process alone", () => {
  const values = { LISTEN_PID: "42", LISTEN_FDS: "2", LISTEN_FDNAMES: "web" };
  assert.deepEqual(inheritedSockets(environment(values), 42), [{ fd: 3, name: "web" }, { fd: 4, name: "unknown" }]);
  assert.deepEqual(inheritedSockets(environment(values), 43), []);
  assert.deepEqual(inheritedSockets(environment({}), 42), []);
  for (const LISTEN_FDS of ["", "-1", "x", "99999"]) {
    assert.deepEqual(inheritedSockets(environment({ ...values, LISTEN_FDS }), 42), []);
  }
});

Deno.test("assignSockets() goes by the address, then by the listener's name", () => {
  const sockets = [{ fd: 3, name: "db" }, { fd: 4, name: "unknown" }, { fd: 5, name: "other" }];
  const listensOn = (fd: number, address: Address) => fd === 4 && address.transport === "tcp" && address.port === 2;
  const { fds, unused } = assignSockets(config, sockets, listensOn);
  assert.deepEqual([...fds], [["web", [null, 4]], ["db", [3]]]);
  assert.deepEqual(unused, [{ fd: 5, name: "other" }]);
});

Deno.test("assignSockets() goes by the order where no address can be told", () => {
  const sockets = [3, 4, 5].map((fd) => ({ fd, name: "unknown" }));
  assert.deepEqual([...assignSockets(config, sockets, null).fds], [["web", [3, 4]], ["db", [5]]]);
  assert.deepEqual(assignSockets(config, sockets.slice(1), null).unused, sockets.slice(1));
});
