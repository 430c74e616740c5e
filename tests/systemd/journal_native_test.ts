import assert from "node:assert/strict";
import { openJournalNative } from "../../src/systemd/journal_native.ts";
import { TempDir } from "../support/proxies/proxy.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes datagrams at a path, as journald does. */
class Receiver implements Disposable {
  readonly #socket: Deno.DatagramConn;

  constructor(path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
  }

  async receive(): Promise<string> {
    const [bytes] = await this.#socket.receive(new Uint8Array(256 * 1024));
    return decoder.decode(bytes);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

Deno.test("openJournalNative() sends each entry as one datagram, and leaves no file behind", async () => {
  using dir = new TempDir();
  const path = dir.file("journal.sock");
  using receiver = new Receiver(path);
  const journal = openJournalNative(path);
  await journal.send(encoder.encode("MESSAGE=one\n"));
  await journal.send(encoder.encode("MESSAGE=two\n"));
  assert.deepEqual([await receiver.receive(), await receiver.receive()], ["MESSAGE=one\n", "MESSAGE=two\n"]);
  journal.close();
  journal.close();
  await assert.rejects(journal.send(encoder.encode("x")), /Cannot send to ".*journal\.sock": closed/);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["journal.sock"]);
});

Deno.test("openJournalNative() says that nobody listens, and finds a receiver that came or was replaced", async () => {
  using dir = new TempDir();
  const path = dir.file("journal.sock");
  const journal = openJournalNative(path);
  await assert.rejects(journal.send(encoder.encode("lost")), /Cannot reach ".*journal\.sock": nobody listens there/);
  const first = new Receiver(path);
  await journal.send(encoder.encode("one"));
  assert.equal(await first.receive(), "one");
  first[Symbol.dispose]();
  await assert.rejects(journal.send(encoder.encode("lost")), /nobody listens there/);
  Deno.removeSync(path);
  using second = new Receiver(path);
  await journal.send(encoder.encode("two"));
  assert.equal(await second.receive(), "two");
  journal.close();
});

Deno.test("openJournalNative() waits while the receiver is behind, and loses nothing", async () => {
  using dir = new TempDir();
  const path = dir.file("journal.sock");
  using receiver = new Receiver(path);
  const journal = openJournalNative(path);
  // More than any net.unix.max_dgram_qlen.
  const count = 2_000;
  let sent = 0;
  const sending = (async () => {
    for (; sent < count; sent++) await journal.send(encoder.encode(`entry ${sent}`));
  })();
  // A turn of the event loop lets it send until it has to wait.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.ok(sent > 0 && sent < count, `${sent} sent`);
  for (let index = 0; index < count; index++) assert.equal(await receiver.receive(), `entry ${index}`);
  await sending;
  journal.close();
});

Deno.test("openJournalNative() ends a wait when it is closed", async () => {
  using dir = new TempDir();
  const path = dir.file("journal.sock");
  using _receiver = new Receiver(path);
  const journal = openJournalNative(path);
  const sending = (async () => {
    for (;;) await journal.send(encoder.encode("entry"));
  })();
  await new Promise((resolve) => setTimeout(resolve, 0));
  journal.close();
  await assert.rejects(sending, /closed/);
});

Deno.test("openJournalNative() says that an entry is too large, and goes on with the next", async () => {
  using dir = new TempDir();
  const path = dir.file("journal.sock");
  using receiver = new Receiver(path);
  const journal = openJournalNative(path);
  const huge = new Uint8Array(64 * 1024 * 1024);
  await assert.rejects(journal.send(huge), {
    code: "EMSGSIZE",
    message: /Cannot send 67108864 bytes to ".*": a datagram/,
  });
  await journal.send(encoder.encode("small"));
  assert.equal(await receiver.receive(), "small");
  journal.close();
});
