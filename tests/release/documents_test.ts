import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { formatProblem } from "../../src/config/problem.ts";
import { parseConfig } from "../../src/config/load.ts";
import { readSources, ROOT } from "../../scripts/reference/inventory.ts";

/** The pages that people write; the reference is generated. */
const PAGES = [
  "README.md",
  "src/README.md",
  "scripts/deploy/README.md",
  "scripts/deploy/recipes/README.md",
  "bench/README.md",
];
const REFERENCE = "scripts/reference/README.md";
const read = (page: string) => Deno.readTextFileSync(ROOT + page);

function section(page: string, title: string): string {
  const [, text] = read(page).split(`\n## ${title}\n`);
  assert.ok(text, `section "${title}" of ${page}`);
  return text.split("\n## ")[0];
}

/** Prose without the line breaks of the formatter. */
const unbroken = (text: string) => text.replace(/\s+/g, " ");

Deno.test("README.md is short enough to be read", () => {
  assert.ok(read("README.md").split("\n").length <= 450);
});

Deno.test("every configuration in the documents is valid", () => {
  const blocks = PAGES.flatMap((page) => [...read(page).matchAll(/^```toml\n([\s\S]*?)^```$/gm)]).map(([, toml]) =>
    toml
  );
  assert.ok(blocks.length > 5);
  for (const toml of blocks) {
    assert.deepEqual(parseConfig(toml, "/etc/tls-off/tls-off.toml", {}, "/").problems.map(formatProblem), [], toml);
  }
});

/** For each line of the comparison where tls-off has something, the test that shows it. */
const SHOWN_BY: Record<string, string> = {
  "any protocol, to TCP or a Unix socket": "proxy carries 200 connections of random sizes and pauses, byte for byte",
  "every core": "workers share the connections, and their ids never meet",
  "several certificates, chosen by server name": "chooses the certificate by the server name",
  "mutual TLS, by names in the certificate": "lets only clients in that the rules name",
  "PROXY protocol to the application": "PROXY header comes before the first byte, with what the engine knows",
  "PROXY protocol in front of TLS": "HAProxy in front names the client to the proxy, v1 and v2 with every option",
  "one record for each connection: bytes, times, reason":
    "journald has the connection's record, its bytes as curl counts them",
  "reload without losing a connection": "reload loses no connection on deno native, 2 workers",
  "a limit for each client": "limits.per-client closes what is too many at once, and counts it",
  "metrics for Prometheus": "metrics are clean to promtool",
  "who used how much, without the application": "metrics tell five clients apart, to the byte",
  "live page": "page shows moving numbers, without a complaint or a request to anywhere else",
  "deadline for a stalled handshake":
    "proxy frees silent connections and half ClientHellos, and serves others meanwhile",
  "a trial without any file": "demo answers curl with the bytes that it sent, from none to 100 MB",
  "routes by server name": "gives each server name its own application, and the rest to the listener's",
  "routes by protocol (ALPN)": "gives each protocol its own application",
  "passthrough beside terminated TLS": "passes TLS on as it is, the ClientHello first, however it is divided",
  "health checks, without a client":
    "proxy leaves out a backend that hangs, answers 503 or is killed, and takes it again, the spare meanwhile",
  "spare backends": "Balancer takes spares only while no other backend is well",
};

Deno.test("what README.md says that peers lack or have is shown for tls-off by a test", () => {
  const rows = [...section("README.md", "How it compares").matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|/gm)];
  const has = rows.filter(([, , own]) => !["tls-off", "no"].includes(own) && !own.startsWith("---")).map(([, line]) =>
    line
  );
  assert.deepEqual(has, Object.keys(SHOWN_BY));
  const tests = [...readSources(`${ROOT}tests`)].map(([, text]) => text).join("\n");
  // A test of one engine has the engine in front of its name. In a name that is made of parts, as `drains on
  // ${signal}`, those may be any word; one in brackets at the end, left out.
  const written = [...tests.matchAll(/(?:[tT]est\((?:\s*"\w+",)?|name:|^ +:)\s*(["`])(.+?)\1[,\n]/gm)].map(
    ([, , name]) => {
      const escaped = name.replace(/ \(\$\{\w+\}\)$/, "").replace(/[.*+?^()[\]\\|]/g, "\\$&");
      return new RegExp(`^${escaped.replace(/\$\{\w+\}/g, "\\w+")}$`);
    },
  );
  for (const name of Object.values(SHOWN_BY)) assert.ok(written.some((pattern) => pattern.test(name)), name);
});

Deno.test("every message that is explained is one of the program's", () => {
  const troubleshooting = unbroken(section("scripts/deploy/README.md", "Troubleshooting"));
  const messages = [...troubleshooting.matchAll(/\*\*`([^`]+)`\*\*/g)].map(([, message]) => message);
  assert.ok(messages.length > 10);
  const sources = [...readSources().values()].join("\n").replaceAll("\\`", "`");
  for (const message of messages) {
    // Messages are put together of parts.
    for (
      const part of message.split(/…|[,:;] /).map((text) => text.replace(/^[" ]+|[" ]+$/g, "")).filter((text) =>
        text.length > 4
      )
    ) {
      assert.ok(sources.includes(part), `${part} of ${message}`);
    }
  }
});

/** The anchors that a page's headings have. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

Deno.test("every file and heading that the documents point to is there", () => {
  const links = [...PAGES, REFERENCE].flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#:]*)(?:#([^)]+))?\)/g)].map(([, path, anchor]) => {
      const target = path === "" ? page : join(dirname(page), path);
      return { page, target, anchor };
    })
  );
  assert.ok(links.length > 20);
  for (const { page, target, anchor } of links) {
    Deno.statSync(ROOT + target);
    if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${target}#${anchor} in ${page}`);
  }
});

Deno.test("every source that src/README.md names is there", () => {
  const page = read("src/README.md");
  const fromRoot = [...page.matchAll(/`((?:src|bench|tests|scripts)\/[\w/.-]+)`/g)].map(([, path]) => path);
  const folders = [...Deno.readDirSync(`${ROOT}src`)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  const fromSrc = [...page.matchAll(new RegExp(`\`((?:${folders.join("|")})/[\\w/.]*)\``, "g"))].map(([, path]) =>
    `src/${path}`
  );
  assert.ok(fromRoot.length > 2 && fromSrc.length > 90, `${fromRoot.length}, ${fromSrc.length}`);
  for (const path of [...fromRoot, ...fromSrc]) Deno.statSync(ROOT + path);
});

/** Every folder below `folder` that has files, with a slash at the end, sorted. */
function foldersBelow(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory).flatMap(({ name }) => {
    const inner = foldersBelow(`${folder}/${name}`, `${prefix}${name}/`);
    const hasFiles = [...Deno.readDirSync(`${folder}/${name}`)].some(({ isFile }) => isFile);
    return [...(hasFiles ? [`${prefix}${name}/`] : []), ...inner];
  }).sort();
}

Deno.test("the map in src/README.md is the tree of src/, one line for each folder", () => {
  const [, map] = /<!-- map:begin -->([\s\S]*)<!-- map:end -->/.exec(read("src/README.md")) ?? [];
  assert.ok(map, "map");
  const lines = [...map.matchAll(/^(\S+\/) +\S/gm)].map(([, folder]) => folder);
  assert.deepEqual(lines, foldersBelow(`${ROOT}src`));
});
