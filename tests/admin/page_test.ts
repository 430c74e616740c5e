import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PAGE, PAGE_POLICY } from "../../src/admin/page/page_generated.ts";

Deno.test("page_generated.ts is up to date with its sources", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "build:page", "--check"],
    cwd: new URL("../..", import.meta.url),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});

Deno.test("PAGE_POLICY lets the page's own script and style run, and nothing else", () => {
  const hash = (tag: string) => {
    const inside = [...PAGE.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, "g"))].map(([, text]) => text);
    assert.equal(inside.length, 1, tag);
    return `'sha256-${createHash("sha256").update(inside[0]).digest("base64")}'`;
  };
  const policy = new Map(
    PAGE_POLICY.split("; ").map((part) => {
      const space = part.indexOf(" ");
      return [part.slice(0, space), part.slice(space + 1)];
    }),
  );
  assert.equal(policy.get("script-src"), hash("script"));
  assert.equal(policy.get("style-src"), hash("style"));
  assert.equal(policy.get("default-src"), "'none'");
  assert.equal(policy.get("connect-src"), "'self'");
  assert.equal(policy.get("frame-ancestors"), "'none'");
});

Deno.test("PAGE names no address to load anything from", () => {
  const loads = [...PAGE.matchAll(/(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import/g)].map(([, a, b]) => a ?? b);
  for (const address of loads) {
    assert.match(address, /^(data:|stats$|clients$|metrics$)/, address);
  }
});
