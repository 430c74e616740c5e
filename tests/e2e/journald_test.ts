import assert from "node:assert/strict";
import { startEchoServer } from "../../src/cli/echo_server.ts";
import { Backend, echo } from "../support/applications/backend.ts";
import { exchange } from "../support/exchange.ts";
import { Journal, type JournalEntry, journalMissing } from "../support/peers/journal.ts";
import { runPeer } from "../support/peers/peers.ts";
import { TempDir } from "../support/proxies/proxy.ts";
import { QuietProxy } from "../support/proxies/quiet_proxy.ts";
import { Repeat } from "../support/repeat.ts";
import { until } from "../support/wait.ts";

/** Registers a test that needs a journald of its own. */
function journalTest(name: string, run: (journal: Journal, dir: TempDir) => Promise<void>): void {
  const missing = journalMissing();
  Deno.test({
    name: missing === null ? name : `${name} [needs ${missing}]`,
    ignore: missing !== null && Deno.env.get("TLS_OFF_REQUIRE_PEERS") !== "1",
    async fn() {
      if (missing !== null) throw new Error(`Missing: ${missing}`);
      using dir = new TempDir();
      await using journal = await Journal.start();
      await run(journal, dir);
    },
  });
}

const LOG = { format: "journald" };

journalTest("journald has the connection's record, its bytes as curl counts them", async (journal, dir) => {
  const server = await startEchoServer(dir.file("app.sock"));
  try {
    await using proxy = await QuietProxy.start(dir, `unix:${dir.file("app.sock")}`, LOG, journal.prefix);
    Deno.writeFileSync(dir.file("body"), new Uint8Array(54_321));
    // The bytes that curl sent include the body.
    const format = "%{size_request} %{size_header} %{size_download}";
    const url = `https://localhost:${proxy.port}/`;
    const { text } = await runPeer("curl", [
      ...["-4", "-s", "--cacert", dir.file("cert.pem"), "--data-binary", `@${dir.file("body")}`],
      ...["-H", "Expect:", "-o", dir.file("answer"), "-w", format, url],
    ]);
    const [request, header, download] = text.split(" ").map(Number);
    assert.equal(download, 54_321);
    const [entry] = await journal.waitFor(1, "EVENT=connection", `BYTES_IN=${request}`);
    assert.equal(entry.CLIENT, "127.0.0.1");
    assert.equal(entry.BYTES_OUT, String(header + download));
    assert.equal(entry.PRIORITY, "6");
    assert.equal(entry.SYSLOG_IDENTIFIER, "tls-off");
    assert.equal(entry.LISTENER, "web");
    assert.equal(entry.REASON, "client-closed");
    assert.match(String(entry.MESSAGE), /^connection closed .*client=127\.0\.0\.1 /);
    // A connection that reached no backend is a warning.
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await runPeer("curl", ["-4", "-s", "-k", url]);
    const [failed] = await journal.waitFor(1, "REASON=backend-unreachable");
    assert.equal(failed.PRIORITY, "4");
    // The first client of the port spoke no TLS. It is the same client in every record.
    assert.ok((await journal.entries("CLIENT=127.0.0.1")).length >= 2);
    proxy.program.signal("SIGTERM");
    assert.equal(await proxy.program.exit(), 0);
    assert.equal((await journal.waitFor(1, "EVENT=stop")).length, 1);
    assert.deepEqual(proxy.program.complaints, []);
  } finally {
    server.close();
  }
});

/** Connections one after the other, each with its own number of bytes. */
function load(proxy: QuietProxy): Repeat {
  return new Repeat(async (number) => {
    const client = await proxy.connect();
    assert.equal((await exchange(client, new Uint8Array(number))).length, number);
    client.close();
  });
}

const numbers = (entries: JournalEntry[]) => new Set(entries.map(({ BYTES_IN }) => Number(BYTES_IN)));

for (const hangs of [false, true]) {
  const how = hangs ? "hangs, is killed and restarted" : "is killed and restarted";
  journalTest(
    `journald that ${how} under load loses only what the counter says, which is on stderr`,
    async (journal, dir) => {
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await QuietProxy.start(dir, backend.address, LOG, journal.prefix);
      using loading = load(proxy);
      const more = () => {
        const wanted = loading.count + 50;
        return until(() => loading.count >= wanted, "there are more connections");
      };
      await more();
      if (hangs) {
        journal.hang();
        await more();
      }
      await journal.killDaemon();
      await more();
      await journal.startDaemon();
      const [recovered] = await journal.waitFor(1, "EVENT=journal-recovered");
      await loading.stop();
      proxy.program.signal("SIGTERM");
      assert.equal(await proxy.program.exit(), 0);
      const inJournal = numbers(await journal.entries("EVENT=connection"));
      const onStderr = new Set(
        proxy.program.complaints.map((line) => Number(/ bytes_in=(\d+) /.exec(line)?.[1])).filter((number) =>
          number > 0
        ),
      );
      const missing = Array.from({ length: loading.count }, (_, i) => i + 1).filter((number) => !inJournal.has(number));
      assert.ok(missing.length > 0, "nothing was lost, the test shows nothing");
      assert.ok(missing.length <= Number(recovered.DIVERTED), `${missing.length} lost, ${recovered.DIVERTED} said`);
      assert.deepEqual(missing.filter((number) => !onStderr.has(number)), []);
      assert.equal(recovered.PRIORITY, "4");
      assert.ok(proxy.program.complaints[0].startsWith("tls-off: Cannot reach the journal") || hangs);
    },
  );
}
