import assert from "node:assert/strict";
import { isHttpRequest, PLAIN_HTTP_ANSWER } from "../../src/tls/plain_http.ts";

Deno.test("isHttpRequest() knows the methods of HTTP by the first bytes, and nothing else", () => {
  const is = (text: string) => isHttpRequest(new TextEncoder().encode(text));
  for (const text of ["GET / HTTP/1.1\r\n", "OPTIONS * ", "CONNECT a:1 HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n"]) {
    assert.ok(is(text), text);
  }
  for (const text of ["", "GET", "GETS / ", "get / ", "SSH-2.0-x y", "EHLO me\r\n", "\x16\x03\x01", " GET "]) {
    assert.ok(!is(text), text);
  }
});

Deno.test("PLAIN_HTTP_ANSWER is one whole answer", () => {
  const [head, body] = new TextDecoder().decode(PLAIN_HTTP_ANSWER).split("\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 400 /);
  assert.equal(Number(/Content-Length: (\d+)/.exec(head)![1]), body.length);
});
