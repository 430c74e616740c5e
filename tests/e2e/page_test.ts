/// <reference lib="dom" />
import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { Backend, echo } from "../support/applications/backend.ts";
import { exchange } from "../support/exchange.ts";
import { peerTest } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { Repeat } from "../support/repeat.ts";

const CHROMIUM = { command: "chromium", debian: "chromium" };

/** Opens the page of a proxy that is under load, and tells what the browser complained of and asked elsewhere. */
async function withPage(
  run: (page: Page, faults: { complaints: string[]; elsewhere: string[] }, proxy: Proxy) => Promise<void>,
  options: Parameters<Browser["newPage"]>[0] = {},
): Promise<void> {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
  });
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening");
  const origin = `http://${address}/`;
  using loading = new Repeat(async () => {
    const client = await proxy.connect();
    await exchange(client, new Uint8Array(10_000));
    client.close();
  });
  const browser = await chromium.launch({ executablePath: `/usr/bin/${CHROMIUM.command}`, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage(options);
    const faults = { complaints: [] as string[], elsewhere: [] as string[] };
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") faults.complaints.push(message.text());
    });
    page.on("pageerror", (error) => faults.complaints.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("data:")) faults.elsewhere.push(url);
    });
    await page.goto(origin);
    await run(page, faults, proxy);
    await loading.stop();
  } finally {
    await browser.close();
  }
}

/** The cells of a table's first column. */
function names(page: Page, table: string): Promise<string[]> {
  return page.locator(".panel", { has: page.getByRole("heading", { name: table, exact: true }) })
    .locator("tbody td:first-child").allInnerTexts();
}

peerTest("page shows moving numbers, without a complaint or a request to anywhere else", [CHROMIUM], async () => {
  await withPage(async (page, faults) => {
    await page.getByRole("status").filter({ hasText: "serving" }).waitFor();
    const total = page.locator(".panel", { has: page.getByRole("heading", { name: "Listeners" }) })
      .locator("tbody td:nth-child(10)");
    await total.waitFor();
    const before = await total.innerText();
    await page.waitForFunction((before) => {
      const panels = [...document.querySelectorAll(".panel")];
      const listeners = panels.find((panel) => panel.querySelector("h2")?.textContent === "Listeners");
      return listeners?.querySelector("tbody td:nth-child(10)")?.textContent !== before;
    }, before);
    assert.deepEqual(await names(page, "Listeners"), ["web"]);
    assert.deepEqual(await names(page, "Workers"), ["0", "1"]);
    assert.deepEqual(await names(page, "Busiest clients"), ["127.0.0.1"]);
    assert.deepEqual(await names(page, "Certificates"), ["localhost"]);
    assert.equal(await page.locator("canvas").count(), 4);
    assert.deepEqual(faults, { complaints: [], elsewhere: [] });
  });
});

peerTest("page sorts clients by any column, both ways", [CHROMIUM], async () => {
  await withPage(async (page) => {
    const clients = [["10.0.0.1", 5, 100], ["10.0.0.2", 50, 10], ["10.0.0.3", 1, 1000]].map((
      [client, active, bytes],
    ) => ({
      ...{ client, active, opened: active, bytesIn: bytes, bytesOut: bytes, error: 0 },
      ...{ in1s: bytes, in10s: bytes, in60s: bytes, out1s: bytes, out10s: bytes, out60s: bytes },
    }));
    const others = { bytesIn: 0, bytesOut: 0, opened: 0 };
    const asked: string[] = [];
    await page.route("**/clients?*", (route) => {
      asked.push(new URL(route.request().url()).searchParams.get("order")!);
      return route.fulfill({ json: { timeMs: 0, known: 3, bound: 0, others, clients } });
    });
    await page.locator("tbody td", { hasText: "10.0.0.1" }).waitFor();
    const shown = async () => (await names(page, "Busiest clients")).map((name) => name.at(-1)).join("");
    assert.equal(await shown(), "312");
    await page.getByRole("button", { name: "Active" }).click();
    assert.equal(await shown(), "213");
    await page.getByRole("button", { name: "Active" }).click();
    assert.equal(await shown(), "312");
    await page.getByRole("button", { name: "Client" }).click();
    assert.equal(await shown(), "123");
    await page.getByRole("button", { name: "In, total" }).click();
    assert.equal(await shown(), "312");
    // The proxy is asked for the clients that are busiest in that way.
    await page.waitForRequest((request) => request.url().includes("order=bytes"));
    assert.ok(asked.includes("rate"));
  });
});

for (const colorScheme of ["light", "dark"] as const) {
  peerTest(`page fits a phone in ${colorScheme}, and says when the proxy is gone`, [CHROMIUM], async () => {
    await withPage(async (page, _faults, proxy) => {
      await page.getByRole("status").filter({ hasText: "serving" }).waitFor();
      await page.locator("tbody td", { hasText: "127.0.0.1" }).first().waitFor();
      const [width, ground] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        getComputedStyle(document.body).backgroundColor,
      ]);
      assert.equal(width, 375);
      const [red] = String(ground).match(/\d+/g)!.map(Number);
      assert.ok(colorScheme === "dark" ? red < 64 : red > 192, String(ground));
      proxy.program.signal("SIGSTOP");
      await page.getByRole("status").filter({ hasText: "no answer" }).waitFor();
      proxy.program.signal("SIGCONT");
      await page.getByRole("status").filter({ hasText: "serving" }).waitFor();
    }, { colorScheme, viewport: { width: 375, height: 800 }, isMobile: true });
  });
}
