import assert from "node:assert/strict";
import { answerRequest, formatAnswer } from "../../src/redirect/answer.ts";

const ask = (...lines: string[]) => answerRequest(lines.join("\r\n"));

Deno.test("answerRequest() sends every method on to https of the same host and path, without the port", () => {
  const cases: [string[], string][] = [
    [["GET / HTTP/1.1", "Host: a.example"], "https://a.example/"],
    [["POST /x?a=b&c HTTP/1.1", "host:  A.Example:8080 "], "https://a.example/x?a=b&c"],
    [["PROPFIND //evil.example/ HTTP/1.0", "Host: a.example"], "https://a.example//evil.example/"],
    [["GET /\\evil HTTP/1.1", "Host: a.example."], "https://a.example/\\evil"],
    [["GET / HTTP/1.1", "X: y", "Host: 192.0.2.1:80"], "https://192.0.2.1/"],
    [["GET / HTTP/1.1", "Host: [2001:DB8::1]:80"], "https://[2001:db8::1]/"],
    [["GET http://b.example:80/y?z HTTP/1.1", "Host: a.example"], "https://b.example/y?z"],
    [["GET http://b.example HTTP/1.1", "Host: a.example"], "https://b.example/"],
    [["GET http://b.example?q HTTP/1.0"], "https://b.example/?q"],
    [
      ["GET /.well-known/acme-challenge/x HTTP/1.1", "Host: a.example"],
      "https://a.example/.well-known/acme-challenge/x",
    ],
  ];
  for (const [lines, location] of cases) assert.deepEqual(ask(...lines), { status: 308, location }, lines.join("|"));
});

Deno.test("answerRequest() answers 400 without one Host that is a name or an address, and to what is no request", () => {
  const bad = [
    ["GET / HTTP/1.1"],
    ["GET / HTTP/1.1", "Host:"],
    ["GET / HTTP/1.1", "Host: a.example", "Host: a.example"],
    ["GET / HTTP/1.1", "Host: a.example/evil"],
    ["GET / HTTP/1.1", "Host: user@a.example"],
    ["GET / HTTP/1.1", "Host: *.example"],
    ["GET / HTTP/1.1", "Host: a b"],
    ["GET / HTTP/1.1", "Host: [::1"],
    ["GET / HTTP/1.1", "Host: a.example:http"],
    ["GET / HTTP/1.1", "Host : a.example"],
    ["GET / HTTP/1.1", "Host: a.example", " folded"],
    ["GET / HTTP/1.1", "Host: a.example", "no colon"],
    ["GET / HTTP/1.1", "Host: b\u00fccher.example"],
    ["GET /\u00fc HTTP/1.1", "Host: a.example"],
    ["GET /a b HTTP/1.1", "Host: a.example"],
    ["GET  / HTTP/1.1", "Host: a.example"],
    ["G@T / HTTP/1.1", "Host: a.example"],
    ["OPTIONS * HTTP/1.1", "Host: a.example"],
    ["CONNECT a.example:443 HTTP/1.1", "Host: a.example"],
    ["GET https://a.example/ HTTP/1.1", "Host: a.example"],
    ["GET http:///x HTTP/1.1", "Host: a.example"],
    ["GET http://b.example/ HTTP/1.1", "Host: a b"],
    ["GET /"],
    [""],
    ["\u0016\u0003\u0001"],
    ["GET /\r HTTP/1.1", "Host: a.example"],
    ["GET / HTTP/1.1", "Host: a.example\nX: y"],
  ];
  for (const lines of bad) assert.deepEqual(ask(...lines), { status: 400 }, lines.join("|"));
  assert.deepEqual(ask("GET / HTTP/2.0", "Host: a.example"), { status: 505 });
});

Deno.test("formatAnswer() writes an answer that ends the connection", () => {
  assert.equal(
    formatAnswer({ status: 308, location: "https://a.example/" }),
    "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://a.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  );
  assert.equal(
    formatAnswer({ status: 400 }),
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  );
});

Deno.test("answerRequest() never throws, and no request can put a line of its own into the answer", () => {
  const parts = [
    "GET",
    "/",
    " ",
    "\r",
    "\n",
    "\r\n",
    "HTTP/1.1",
    "Host:",
    "a.example",
    "\0",
    "\x7f",
    "[",
    "]",
    ":",
    "%0d%0a",
  ];
  for (let round = 0; round < 20_000; round++) {
    const length = round % 12;
    const head = Array.from({ length }, () => parts[Math.floor(Math.random() * parts.length)]).join("");
    const { location = "" } = answerRequest(head);
    // deno-lint-ignore no-control-regex
    assert.ok(!/[\x00-\x20\x7f]/.test(location), JSON.stringify(head));
  }
});
