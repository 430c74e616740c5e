import assert from "node:assert/strict";
import { connError } from "../../src/engines/deno/deno_error.ts";

Deno.test("deno errors: all connections that a peer has reset share one error, which keeps no stack of any", () => {
  const first = connError(new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)"));
  assert.equal(connError(new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)")), first);
  assert.deepEqual([first.kind, first.message, first.cause], [
    "reset",
    "Connection reset by peer (os error 104)",
    undefined,
  ]);
});

Deno.test("deno errors: errors of one text and two kinds are not confused, and other errors keep their cause", () => {
  const text = "the peer has left";
  assert.equal(connError(new Deno.errors.ConnectionReset(text)).kind, "reset");
  assert.equal(connError(new Deno.errors.UnexpectedEof(text)).kind, "truncated");
  const cause = new Deno.errors.InvalidData("BadRecordMac");
  assert.equal(connError(cause).cause, cause);
});

Deno.test("deno errors: texts that differ each time do not pile up", () => {
  const texts = Array.from({ length: 100 }, (_, index) => `reset ${index}`);
  for (const text of texts) assert.equal(connError(new Deno.errors.ConnectionReset(text)).message, text);
  const last = texts[99];
  const again = connError(new Deno.errors.ConnectionReset(last));
  assert.notEqual(again, connError(new Deno.errors.ConnectionReset(last)));
  assert.equal(again.kind, "reset");
});
