import assert from "node:assert/strict";
import { explainListenError } from "../../src/net/system_error.ts";

Deno.test("explainListenError() says what a port below 1024 needs, and says it of no other", () => {
  const denied = Object.assign(new Error("no"), { code: "EACCES" });
  const taken = Object.assign(new Error("no"), { code: "EADDRINUSE" });
  const at = (port: number) => ({ transport: "tcp" as const, hostname: "::", port });
  assert.match(explainListenError(denied, at(443)), /^permission denied: a port below 1024 needs the capability CAP_/);
  assert.equal(explainListenError(denied, at(8443)), "permission denied");
  assert.equal(explainListenError(denied, { transport: "unix", path: "/run/app.sock" }), "permission denied");
  assert.equal(explainListenError(taken, at(443)), "address already in use");
});
