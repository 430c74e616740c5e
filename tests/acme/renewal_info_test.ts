import assert from "node:assert/strict";
import { HttpsClient } from "../../src/acme/protocol/https_client.ts";
import { fetchRenewalInfo, renewalId } from "../../src/acme/protocol/renewal_info.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { AcmeFront } from "../support/peers/acme_front.ts";

/** The certificate of RFC 9773 appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

Deno.test("renewalId() names a certificate as RFC 9773 does", async () => {
  assert.equal(renewalId(EXAMPLE), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  const { cert } = await makeSelfSigned({ hosts: ["a.example"] });
  assert.equal(renewalId(cert), null);
  assert.equal(renewalId("no certificate"), null);
});

Deno.test("fetchRenewalInfo() gives the window and when to ask again, and refuses what is none", async () => {
  await using front = await AcmeFront.start(null);
  const https = new HttpsClient({ ca: front.caPem, userAgent: "test" });
  const ask = () => fetchRenewalInfo(https, `${front.url}/info/`, "a.b", 0);
  const answer = (body: unknown, headers = {}, status = 200) => front.intercept = () => ({ status, headers, body });
  try {
    const suggestedWindow = { start: "2026-01-02T00:00:00Z", end: "2026-01-03T00:00:00Z" };
    answer({ suggestedWindow }, { "retry-after": "7200" });
    const window = { startMs: Date.parse(suggestedWindow.start), endMs: Date.parse(suggestedWindow.end) };
    assert.deepEqual(await ask(), { window, checkAfterMs: 7_200_000 });
    answer({ suggestedWindow }, { "retry-after": "0" });
    assert.equal((await ask()).checkAfterMs, 60_000);
    answer({ suggestedWindow: { start: suggestedWindow.end, end: suggestedWindow.start } });
    await assert.rejects(ask(), /no window that ends after it starts/);
    for (const body of [{}, { suggestedWindow: 1 }, { suggestedWindow: { start: "soon", end: "later" } }]) {
      answer(body);
      await assert.rejects(ask(), /no window/);
    }
    answer("<html>", {}, 503);
    await assert.rejects(ask(), /HTTP status 503/);
    assert.ok(front.requests.every((request) => request === "GET /info/a.b"));
  } finally {
    https.close();
  }
});
