import assert from "node:assert/strict";
import { rawHello } from "../support/peers/raw_hello.ts";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { ClientHelloReader, MAX_CLIENT_HELLO_BYTES } from "../../src/tls/client_hello.ts";

function readClientHello(bytes: Uint8Array) {
  return new ClientHelloReader({ algorithms: true }).take(bytes);
}

/** The server name alone, as {@linkcode readClientHello} answers. */
function readServerName(bytes: Uint8Array): string | null | undefined {
  const hello = readClientHello(bytes);
  return hello === null || hello === undefined ? hello : hello.serverName;
}

/** What a real client sends first. */
async function clientHello(options: tls.ConnectionOptions): Promise<Uint8Array> {
  return await new Promise((resolve, reject) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Uint8Array, _encoding, done) {
        resolve(new Uint8Array(chunk));
        done();
      },
    });
    const client = tls.connect({ ...options, socket: wire, rejectUnauthorized: false });
    client.on("error", reject);
  });
}

/** The same message in records of at most `size` bytes. */
function inRecords(hello: Uint8Array, size: number): Uint8Array {
  const bytes: number[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, at + size);
    bytes.push(22, 3, 1, part.length >> 8, part.length & 0xff, ...part);
  }
  return Uint8Array.from(bytes);
}

Deno.test("ClientHelloReader finds the name in a real client's first message, and asks for more until then", async () => {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const hello = await clientHello({ servername: "Shop.example", ALPNProtocols: ["h2"], maxVersion });
    for (let length = 0; length < hello.length; length++) {
      assert.equal(readServerName(hello.subarray(0, length)), undefined, `${length} of ${hello.length} bytes`);
    }
    assert.equal(readServerName(hello)?.toLowerCase(), "shop.example");
    assert.deepEqual(readClientHello(hello)?.alpn, ["h2"]);
    const followed = Uint8Array.from([...hello, 20, 3, 3, 0, 1, 1]);
    assert.equal(readServerName(followed)?.toLowerCase(), "shop.example");
  }
});

Deno.test("ClientHelloReader puts a message together from records of any size", async () => {
  const hello = await clientHello({ servername: "shop.example" });
  for (const size of [1, 2, 3, 7, 100]) {
    const split = inRecords(hello, size);
    assert.equal(readServerName(split), "shop.example", `records of ${size}`);
    assert.equal(readServerName(split.subarray(0, split.length - 1)), undefined);
  }
});

Deno.test("ClientHelloReader answers null for a client without a name, and for what is no ClientHello", async () => {
  assert.equal(readServerName(await clientHello({})), null);
  assert.equal(readServerName(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")), null);
  assert.equal(readServerName(Uint8Array.of(22, 3, 1, 0, 0)), null); // an empty record
  assert.equal(readServerName(Uint8Array.of(22, 3, 1, 0, 4, 2, 0, 0, 0)), null); // a ServerHello
  assert.equal(readServerName(Uint8Array.of(22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff)), null); // 16 MiB
  assert.equal(readServerName(Uint8Array.of(22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3)), null); // cut within
});

Deno.test("ClientHelloReader gives up at its limit, instead of asking for more", () => {
  const endless = new Uint8Array(MAX_CLIENT_HELLO_BYTES);
  endless.set([22, 3, 1, 0xff, 0xff, 1, 0, 0x7f, 0xff]);
  assert.equal(readServerName(endless), null);
  assert.equal(readServerName(endless.subarray(0, 1000)), undefined);
});

Deno.test("ClientHelloReader takes any mutilated message without throwing", async () => {
  const hello = await clientHello({ servername: "shop.example" });
  let state = 1;
  const random = (below: number) => (state = Math.imul(state, 48271) >>> 1) % below;
  for (let round = 0; round < 5000; round++) {
    const bytes = hello.slice(0, random(4) === 0 ? random(hello.length) : hello.length);
    for (let count = 1 + random(8); count > 0 && bytes.length > 0; count--) bytes[random(bytes.length)] = random(256);
    const name = readServerName(bytes);
    assert.ok(name === null || name === undefined || typeof name === "string");
  }
});

Deno.test("ClientHelloReader takes a message byte by byte, in records of one byte", async () => {
  const hello = await clientHello({ servername: "shop.example", ALPNProtocols: ["h2", "http/1.1"] });
  const reader = new ClientHelloReader({ algorithms: true });
  const bytes = inRecords(hello, 1);
  for (const byte of bytes.subarray(0, -1)) assert.equal(reader.take(Uint8Array.of(byte)), undefined);
  const offer = reader.take(bytes.subarray(-1))!;
  assert.equal(offer.serverName, "shop.example");
  assert.deepEqual(offer.alpn, ["h2", "http/1.1"]);
  assert.ok(offer.versions.includes(0x0304) && offer.versions.includes(0x0303));
  assert.ok(offer.signatureAlgorithms!.includes(0x0403) && offer.signatureAlgorithms!.includes(0x0804));
  assert.ok(offer.cipherSuites.includes(0x1301) && offer.cipherSuites.includes(0xc02b));
  assert.ok(offer.groups!.includes(23));
  assert.equal(offer.certificateSignatureAlgorithms, null);
});

Deno.test("ClientHelloReader takes what remains below its limit and refuses what reaches it, in whatever pieces", () => {
  // One message as large as the limit allows, less what the headers of its records take.
  const records = (messageBytes: number) => {
    const message = new Uint8Array(4 + messageBytes);
    message.set([1, messageBytes >> 16, messageBytes >> 8 & 0xff, messageBytes & 0xff]);
    return inRecords(Uint8Array.from([0, 0, 0, 0, 0, ...message]), 16384);
  };
  const overhead = 2 * 5 + 4;
  for (const piece of [1, 1000, MAX_CLIENT_HELLO_BYTES]) {
    const feed = (bytes: Uint8Array) => {
      const reader = new ClientHelloReader({ algorithms: true });
      for (let at = 0; at < bytes.length; at += piece) {
        const hello = reader.take(bytes.subarray(at, at + piece));
        if (hello !== undefined) return hello;
      }
      return undefined;
    };
    assert.deepEqual(feed(records(MAX_CLIENT_HELLO_BYTES - overhead - 1)), {
      serverName: null,
      alpn: [],
      versions: [0],
      signatureAlgorithms: null,
      certificateSignatureAlgorithms: null,
      cipherSuites: [],
      groups: null,
    });
    assert.equal(feed(records(MAX_CLIENT_HELLO_BYTES - overhead)), null);
  }
});

Deno.test("ClientHelloReader reads what a client says of signatures of certificates", () => {
  const extensions = [0, 50, 0, 6, 0, 4, 4, 1, 8, 4, 0, 13, 0, 4, 0, 2, 4, 3];
  const body = [3, 3, ...new Uint8Array(32), 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, extensions.length, ...extensions];
  const hello = readClientHello(Uint8Array.of(22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body))!;
  assert.deepEqual(hello.certificateSignatureAlgorithms, [0x0401, 0x0804]);
  assert.deepEqual(hello.signatureAlgorithms, [0x0403]);
  assert.deepEqual(hello.cipherSuites, [0xc02b]);
  assert.equal(hello.groups, null);
});

Deno.test("ClientHelloReader leaves the algorithms out where one certificate answers every client", async () => {
  const hello = await clientHello({ servername: "shop.example", ALPNProtocols: ["h2"] });
  const whole = readClientHello(hello)!;
  const brief = new ClientHelloReader({ algorithms: false }).take(hello);
  const none = { cipherSuites: [], signatureAlgorithms: null, certificateSignatureAlgorithms: null, groups: null };
  assert.deepEqual(brief, { ...whole, ...none });
  assert.ok(whole.cipherSuites.length > 0 && whole.groups !== null);
});

Deno.test("ClientHelloReader takes no version above TLS 1.2 from where older clients say theirs", () => {
  const versions = (version: number) => readClientHello(rawHello(version, "a.example"))!.versions;
  assert.deepEqual([0x0301, 0x0303, 0x0304, 0x0401, 0xfefe].map(versions), [[0x0301], [0x0303], [0x0303], [0x0303], [
    0x0303,
  ]]);
});
