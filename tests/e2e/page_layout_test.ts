/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { PAGE } from "../../src/admin/page/page_generated.ts";
import { pageAnswers } from "../support/applications/page_answers.ts";
import { peerTest } from "../support/peers/peers.ts";

const CHROMIUM = { command: "chromium", debian: "chromium" };
const WIDTHS = [1280, 768, 390];

/** The tables, and the columns of each that a phone has to show without scrolling. */
const IMPORTANT = {
  "Errors by reason": ["Reason", "Count"],
  Backends: ["Backend", "State", "Errors"],
  Listeners: ["Listener", "Active", "In", "Out"],
};

/** Opens the page with numbers that are made up: as many rows in each table as told. */
async function openPage(
  browser: Browser,
  rows: number,
  options: { width: number; colorScheme: "light" | "dark" },
): Promise<Page> {
  const viewport = { width: options.width, height: 900 };
  const isPhone = options.width < 500;
  const page = await browser.newPage({
    colorScheme: options.colorScheme,
    viewport,
    isMobile: isPhone,
    hasTouch: isPhone,
  });
  await page.route("**/*", (route) => {
    const { pathname } = new URL(route.request().url());
    const { stats, clients } = pageAnswers(rows);
    if (pathname === "/stats") return route.fulfill({ json: stats });
    if (pathname === "/clients") return route.fulfill({ json: clients });
    return route.fulfill({ body: PAGE, contentType: "text/html; charset=utf-8" });
  });
  await page.goto("http://page.test/");
  await page.getByRole("status").filter({ hasText: "serving" }).waitFor();
  return page;
}

/** What of the layout can be told by numbers, all in CSS pixels. */
function measure(page: Page) {
  return page.evaluate(() => {
    const tables = [...document.querySelectorAll(".panel")].filter((panel) => panel.querySelector(".frame")).map(
      (panel) => {
        const frame = panel.querySelector<HTMLElement>(".frame")!;
        const scroll = panel.querySelector<HTMLElement>(".scroll")!;
        const right = frame.getBoundingClientRect().right;
        const heads = [...panel.querySelectorAll("th")];
        const isCut = () => frame.classList.contains("cut");
        return {
          title: panel.querySelector("h2")!.textContent!,
          top: panel.getBoundingClientRect().top,
          isShown: !frame.hidden,
          overflows: scroll.scrollWidth > scroll.clientWidth + 1,
          isHinted: isCut() && scroll.tabIndex === 0,
          lineEnds: Math.round(right - panel.querySelector("table")!.getBoundingClientRect().right),
          whole: heads.filter((head) => head.getBoundingClientRect().right <= right).map((head) =>
            head.textContent!.trim()
          ),
          rows: panel.querySelectorAll("tbody tr").length,
        };
      },
    );
    return { width: document.documentElement.scrollWidth, tables };
  });
}

peerTest("page has its tables in full or within reach, at each width, in light and dark", [CHROMIUM], async () => {
  await using browser = await chromium.launch({
    executablePath: `/usr/bin/${CHROMIUM.command}`,
    args: ["--no-sandbox"],
  });
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const rows of [0, 200]) {
        const page = await openPage(browser, rows, { width, colorScheme });
        const told = `${width} px, ${colorScheme}, ${rows} rows`;
        const { width: actual, tables } = await measure(page);
        assert.equal(actual, width, told);
        const tops = new Map(tables.map(({ title, top }) => [title, top]));
        for (const first of ["Errors by reason", "Backends"]) {
          assert.ok(tops.get(first)! < tops.get("Busiest clients")!, `${told}: ${first}`);
        }
        for (const { title, ...table } of tables) {
          assert.equal(table.isShown, rows > 0, `${told}: ${title}`);
          if (rows === 0) continue;
          assert.equal(table.rows, 10, `${told}: ${title}`);
          assert.equal(table.isHinted, table.overflows, `${told}: ${title} is cut`);
          assert.ok(table.lineEnds <= 1, `${told}: lines of ${title} end ${table.lineEnds} px early`);
          const important = IMPORTANT[title as keyof typeof IMPORTANT] ?? [];
          for (const column of important) assert.ok(table.whole.includes(column), `${told}: ${title}, ${column}`);
        }
        if (rows > 0 && width === 390) {
          await reachLastColumn(page);
          for (const title of ["Errors by reason", "Backends", "Certificates", "Busiest clients"]) {
            await readWholeName(page, title);
          }
        }
        await page.close();
      }
    }
  }
});

/** Scrolls the table of backends by the keyboard: its last column comes, and the hint goes. */
async function reachLastColumn(page: Page): Promise<void> {
  const panel = page.locator(".panel", { has: page.getByRole("heading", { name: "Backends", exact: true }) });
  await panel.getByRole("region", { name: "Backends" }).focus();
  const cut = panel.locator(".frame.cut");
  for (let pressed = 0; pressed < 100 && await cut.count() > 0; pressed++) await page.keyboard.press("ArrowRight");
  await cut.waitFor({ state: "detached" });
  assert.ok(await panel.getByRole("columnheader", { name: "Route" }).isVisible());
}

/**
 * Taps a row: its names wrap, so that their ends can be read, and go back at the next tap. The others stay as they are.
 */
async function readWholeName(page: Page, title: string): Promise<void> {
  const panel = page.locator(".panel", { has: page.getByRole("heading", { name: title, exact: true }) });
  const cells = panel.locator("tbody tr td:first-child");
  const longest = await cells.evaluateAll((all) =>
    all.findIndex((cell) => cell.scrollWidth > cell.clientWidth && !cell.parentElement!.matches(".whole"))
  );
  assert.ok(longest >= 0, `${title}: no name is cut`);
  const isWhole = () =>
    cells.nth(longest).evaluate((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      const edge = cell.getBoundingClientRect().right + 1;
      return [...range.getClientRects()].every(({ right }) => right <= edge) && cell.scrollWidth <= cell.clientWidth;
    });
  assert.equal(await isWhole(), false, title);
  const width = () => cells.nth(longest).evaluate((cell) => Math.round(cell.getBoundingClientRect().width));
  const narrow = await width();
  const heights = () => cells.evaluateAll((all) => all.map((cell) => Math.round(cell.getBoundingClientRect().height)));
  const before = await heights();
  await cells.nth(longest).tap();
  await panel.locator("tr.whole").waitFor();
  assert.equal(await isWhole(), true, title);
  assert.deepEqual(
    (await heights()).map((height, index) => height > before[index]),
    before.map((_, index) => index === longest),
    title,
  );
  assert.ok(await width() >= narrow - 4, `${title}: the column of names gets narrower`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, title);
  await cells.nth(longest).tap();
  await panel.locator("tr.whole").waitFor({ state: "detached" });
}

peerTest("page shows the name of a single row whole on a phone", [CHROMIUM], async () => {
  await using browser = await chromium.launch({
    executablePath: `/usr/bin/${CHROMIUM.command}`,
    args: ["--no-sandbox"],
  });
  const page = await openPage(browser, 1, { width: 390, colorScheme: "light" });
  for (const title of ["Listeners", "Backends", "Certificates"]) await readWholeName(page, title);
});

peerTest("page shows ten rows, and all of them when asked", [CHROMIUM], async () => {
  await using browser = await chromium.launch({
    executablePath: `/usr/bin/${CHROMIUM.command}`,
    args: ["--no-sandbox"],
  });
  const page = await openPage(browser, 200, { width: 1280, colorScheme: "light" });
  const panel = page.locator(".panel", { has: page.getByRole("heading", { name: "Busiest clients" }) });
  const asked = page.waitForRequest((request) => request.url().includes("top=1000"));
  assert.equal(await panel.locator("tbody tr").count(), 10);
  await panel.getByRole("button", { name: "Show all 200" }).click();
  assert.equal(await panel.locator("tbody tr").count(), 200);
  await asked;
  await panel.getByRole("button", { name: "Show the first 10" }).click();
  assert.equal(await panel.locator("tbody tr").count(), 10);
  // The backend that is down stands first, and says whose it is.
  const backends = page.locator(".panel", { has: page.getByRole("heading", { name: "Backends", exact: true }) });
  const first = await backends.locator("tbody tr").first().locator("td").allInnerTexts();
  assert.equal(first[1], "down");
  assert.match(first[6], /^listener-/);
});

peerTest("page tells the percentiles apart, and keeps the last latency there was", [CHROMIUM], async () => {
  await using browser = await chromium.launch({
    executablePath: `/usr/bin/${CHROMIUM.command}`,
    args: ["--no-sandbox"],
  });
  const page = await openPage(browser, 3, { width: 1280, colorScheme: "light" });
  const styles = await page.locator(".u-series", { hasText: /p(50|99)/ }).evaluateAll((rows) =>
    rows.map((row) => `${row.textContent} ${getComputedStyle(row.querySelector(".u-marker")!).borderTopStyle}`)
  );
  assert.equal(styles.length, 4);
  for (const style of styles) assert.match(style, /p50.* solid$|p99.* dashed$/);
  // In the newest second of the made-up history nobody shook hands.
  const figure = page.locator(".figure", { hasText: "Handshake p99" }).locator("b");
  assert.match(await figure.innerText(), /^\d[\d.]* ms$/);
  assert.ok(await figure.evaluate((value) => value.classList.contains("stale")));
  const legend = page.locator(".u-series", { hasText: "handshake p99" });
  assert.match(await legend.innerText(), /ms/);
  assert.ok(await legend.evaluate((row) => row.classList.contains("stale")));
});
