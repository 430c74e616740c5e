/** The client against servers that speak no ACME, or speak it wrongly. */
import assert from "node:assert/strict";
import { openAccount } from "../../src/acme/protocol/account.ts";
import { AcmeClient } from "../../src/acme/protocol/acme_client.ts";
import { HttpsClient } from "../../src/acme/protocol/https_client.ts";
import { generateAccountKey, importAccountKey } from "../../src/acme/protocol/jws.ts";
import { AcmeError } from "../../src/acme/protocol/problem.ts";
import { AcmeFront, type Intercept } from "../support/peers/acme_front.ts";
import { freePort } from "../../bench/lab/free_port.ts";

const KEY = await generateAccountKey();

/** Connects and opens an account with a server that answers as told. */
async function attempt(intercept: (url: string) => Intercept, timeoutMs?: number): Promise<AcmeError> {
  await using front = await AcmeFront.start(null);
  front.intercept = intercept(front.url);
  const https = new HttpsClient({ ca: front.caPem, userAgent: "test", timeoutMs });
  try {
    const client = await AcmeClient.connect(https, front.directory, KEY);
    await openAccount(client, { email: "", externalAccount: null });
    throw new Error("it worked");
  } catch (error) {
    assert.ok(error instanceof AcmeError, String(error));
    return error;
  } finally {
    https.close();
  }
}

const directory = (url: string) => ({
  body: Object.fromEntries(
    ["newNonce", "newAccount", "newOrder", "revokeCert"].map((name) => [name, `${url}/${name}`]),
  ),
});
const whole = (account: Intercept): (url: string) => Intercept => (url) => (method, path) =>
  path === "/dir"
    ? directory(url)
    : path === "/newNonce"
    ? { headers: { "replay-nonce": "abc" } }
    : account(method, path);

Deno.test("a directory that answers garbage, or an error, is told of in one line", async () => {
  const cases: [Parameters<typeof attempt>[0], RegExp][] = [
    [() => () => ({ body: "<html>hello</html>" }), /^Cannot read the server's answer: it is no JSON object$/],
    [() => () => ({ body: [] }), /no JSON object/],
    [() => () => ({ body: { newNonce: "x" } }), /it has no URL for "newNonce": is this an ACME directory\?$/],
    [() => () => ({ status: 503, body: "<html>" }), /^Cannot read the directory .*: HTTP status 503$/],
    [() => () => ({ status: 301, headers: { location: "/other" } }), /HTTP status 301/],
    [() => () => ({ body: "x".repeat(300_000) }), /longer than 262144 bytes/],
    [
      (url) => (_, path) => path === "/dir" ? directory(url) : { status: 200 },
      /Cannot get a nonce: the answer has none/,
    ],
    [(url) => (_, path) => path === "/dir" ? directory(url) : { status: 500 }, /Cannot get a nonce: HTTP status 500/],
    [whole(() => ({ status: 201, body: {} })), /does not say where it is/],
    [whole(() => ({ status: 500, body: "oops" })), /^Cannot open an account: HTTP status 500$/],
  ];
  for (const [intercept, expected] of cases) {
    const { message } = await attempt(intercept);
    assert.match(message, expected);
    assert.ok(!message.includes("\n"));
  }
});

Deno.test("a rate limit is told in the server's words, with how long to wait", async () => {
  const error = await attempt(whole(() => ({
    status: 429,
    headers: { "retry-after": "600", "replay-nonce": "def" },
    body: { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many new accounts" },
  })));
  assert.equal(error.message, "Cannot open an account: too many new accounts (rateLimited)");
  assert.equal(error.retryAfterMs, 600_000);
  assert.equal(error.status, 429);
});

Deno.test("a server that is not there, does not answer, or is not vouched for, is told of by its name", async () => {
  const connect = async (url: string, ca: string, timeoutMs?: number) => {
    const https = new HttpsClient({ ca, userAgent: "test", timeoutMs });
    try {
      return await AcmeClient.connect(https, url, KEY);
    } finally {
      https.close();
    }
  };
  const port = freePort();
  await assert.rejects(connect(`https://localhost:${port}/dir`, ""), new RegExp(`Cannot reach localhost:${port}: `));
  await assert.rejects(connect("http://localhost/dir", ""), /no https URL/);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(connect(`https://localhost:${silent.addr.port}/dir`, "", 200), /no answer within 0\.2 s/);
  await using front = await AcmeFront.start(null);
  await assert.rejects(connect(front.directory, ""), /Cannot reach localhost:\d+: .*(self.signed|issuer|certificate)/i);
});

Deno.test("a request ends at once when it is aborted", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const abort = new AbortController();
  const https = new HttpsClient({ ca: "", userAgent: "test", signal: abort.signal });
  const asked = https.request("GET", `https://localhost:${silent.addr.port}/`);
  abort.abort();
  await assert.rejects(asked, /stopped/);
  await assert.rejects(https.request("GET", "https://localhost/"), /stopped/);
  https.close();
});

Deno.test("an account's key comes back from its PEM, and nothing else does", async () => {
  const again = await importAccountKey(KEY.pem);
  assert.deepEqual([again.thumbprint, again.jwk], [KEY.thumbprint, KEY.jwk]);
  for (const pem of ["", "garbage", KEY.pem.slice(0, 90)]) await assert.rejects(importAccountKey(pem));
});
