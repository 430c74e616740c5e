import assert from "node:assert/strict";
import { describeProblem, readProblem, readRetryAfter } from "../../src/acme/protocol/problem.ts";

Deno.test("describeProblem() tells the server's words, those about single names too", () => {
  const problem = readProblem({
    type: "urn:ietf:params:acme:error:rejectedIdentifier",
    detail: "Some names are refused",
    subproblems: [{ type: "x:y", detail: "Policy forbids it", identifier: { type: "dns", value: "a.example" } }],
  })!;
  assert.equal(
    describeProblem(problem),
    "Some names are refused (rejectedIdentifier); a.example: Policy forbids it (x:y)",
  );
  assert.equal(describeProblem(readProblem({ detail: "only words" })!), "only words");
  assert.equal(describeProblem(readProblem({ type: "urn:ietf:params:acme:error:malformed" })!), "malformed");
});

Deno.test("readProblem() bounds what a server may put into the log, and takes nothing that is no problem", () => {
  const problem = readProblem({ type: "t", detail: `a\n{"event":"x"}${"y".repeat(10_000)}` })!;
  assert.ok(problem.detail.length < 300 && !problem.detail.includes("\n"));
  const many = readProblem({ type: "t", subproblems: Array.from({ length: 1_000 }, () => ({ type: "u" })) })!;
  assert.ok(many.subproblems.length <= 10);
  for (const value of [null, "text", 1, {}, [], { detail: 1 }]) assert.equal(readProblem(value), null);
});

Deno.test("readRetryAfter() takes seconds and dates, at most a day, and nothing else", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(readRetryAfter("120", now), 120_000);
  assert.equal(readRetryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now), 60_000);
  assert.equal(readRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  assert.equal(readRetryAfter("9999999999", now), 86_400_000);
  for (const header of [undefined, "soon", ""]) assert.equal(readRetryAfter(header, now), undefined);
});
