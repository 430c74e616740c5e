import assert from "node:assert/strict";
import { TicketSecrets } from "../../src/supervisor/workers/ticket_secrets.ts";

Deno.test("TicketSecrets makes a new secret after each period, and says so", async () => {
  const renewed = Promise.withResolvers<Uint8Array>();
  const secrets = new TicketSecrets((secret) => renewed.resolve(secret), 1);
  const first = secrets.current;
  assert.equal(first.length, 32);
  secrets.start();
  const second = await renewed.promise;
  secrets.stop();
  assert.notDeepEqual(second, first);
});
