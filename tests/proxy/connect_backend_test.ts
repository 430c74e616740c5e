import assert from "node:assert/strict";
import { type Conn, ConnError } from "../../src/engines/contract.ts";
import { connectBackend } from "../../src/proxy/connect_backend.ts";
import { Recovery } from "../../src/proxy/recovery.ts";

type Surroundings = Parameters<typeof connectBackend>[0];

Deno.test("connectBackend() lets those that wait try, where the one that tried for all connects after its client has left", async () => {
  let [isUp, hasLeft, closed] = [false, false, 0];
  let [connects, active] = [0, 0];
  const refusals: (() => void)[] = [];
  const conn = { close: () => closed++ } as unknown as Conn;
  const backend = { address: { transport: "unix", path: "/app.sock" }, name: "unix:/app.sock" };
  const surroundings = {
    config: { timeouts: { connectMs: 0, retryMs: 600_000 } },
    engine: {
      connect: () => {
        if (isUp) {
          hasLeft = true;
          return Promise.resolve(conn);
        }
        for (const refused of refusals.splice(0)) refused();
        return Promise.reject(new ConnError("refused", "Connection refused"));
      },
    },
    balancer: {
      recovery: new Recovery(),
      candidates: () => [backend],
      failed() {},
      connected: () => {
        connects++;
        active++;
      },
      released: () => active--,
    },
    telemetry: { backendFailed() {}, backendConnected() {} },
  } as unknown as Surroundings;
  const refused = () => new Promise<void>((resolve) => refusals.push(resolve));

  const leader = connectBackend(surroundings, "192.0.2.1", () => hasLeft);
  const leaderEnds = assert.rejects(leader, { kind: "closed" });
  const other = connectBackend(surroundings, "192.0.2.2", () => false);
  // The leader has tried again, so the other one waits for it.
  await refused();
  isUp = true;
  await leaderEnds;
  assert.equal((await other).conn, conn);
  assert.equal(closed, 1);
  assert.equal(connects, 2, "that the backend is well is known from the client that has left, too");
  assert.equal(active, 1, "its connection does not count any more");
});
