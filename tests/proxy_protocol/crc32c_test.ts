import assert from "node:assert/strict";
import { crc32c, crc32cWithHole } from "../../src/proxy_protocol/crc32c.ts";
import { ascii } from "./support.ts";

Deno.test("crc32c() gives the check value of the Castagnoli polynomial", () => {
  assert.equal(crc32c(ascii("123456789")), 0xe3069283);
});

Deno.test("crc32c() gives the examples of RFC 3720 appendix B.4", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
});

Deno.test("crc32c() looks at its range only", () => {
  assert.equal(crc32c(ascii("xx123456789yy"), 2, 11), 0xe3069283);
});

Deno.test("crc32cWithHole() counts four bytes as zero", () => {
  assert.equal(crc32cWithHole(ascii("ab1234cdXX"), 2, 8), crc32c(ascii("ab\0\0\0\0cd")));
});
