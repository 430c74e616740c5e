import assert from "node:assert/strict";
import { BunConn, HANDLERS, type Socket } from "../../src/engines/bun/bun_conn.ts";
import { type ConnError, type Sink, WRITTEN } from "../../src/engines/contract.ts";

/** What Bun's socket was told to do. */
function fakeSocket() {
  const calls: string[] = [];
  const socket = {
    data: null as unknown as BunConn,
    write: (bytes: Uint8Array) => bytes.length,
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
    shutdown: () => calls.push("shutdown"),
    end: () => calls.push("end"),
    terminate: () => calls.push("terminate"),
  };
  const conn = new BunConn(socket as unknown as Socket);
  return { conn, calls, socket: socket as unknown as Socket };
}

/** Holds every piece until `release()`, except where it takes at once. */
class TestSink implements Sink {
  unsent = () => null;
  readonly told: string[] = [];
  hold = false;
  #release: (() => void) | null = null;
  take(bytes: Uint8Array): Promise<void> {
    assert.equal(this.#release, null, "nothing is told before the last piece was taken");
    this.told.push(new TextDecoder().decode(bytes));
    if (!this.hold) return WRITTEN;
    return new Promise((resolve) => this.#release = resolve);
  }
  end(failure: ConnError | null): void {
    this.told.push(failure === null ? "end" : `failure: ${failure.kind}`);
  }
  async release() {
    const release = this.#release;
    this.#release = null;
    release?.();
    await settle();
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A connection whose sink holds "one", while "two" waits. */
function heldAtOne() {
  const fake = fakeSocket();
  const sink = new TestSink();
  fake.conn.pushTo(sink);
  sink.hold = true;
  HANDLERS.data(fake.socket, bytes("one"));
  HANDLERS.data(fake.socket, bytes("two"));
  return { ...fake, sink };
}

Deno.test("BunConn pushes what comes, and what had come before", async () => {
  const { conn, calls, socket } = fakeSocket();
  HANDLERS.data(socket, bytes("early"));
  HANDLERS.data(socket, bytes("early too"));
  assert.deepEqual(calls, ["pause"]);
  const sink = new TestSink();
  conn.pushTo(sink);
  assert.deepEqual(calls, ["pause", "resume"]);
  HANDLERS.data(socket, bytes("now"));
  assert.deepEqual(sink.told, ["early", "early too", "now"]);
  HANDLERS.end(socket);
  assert.deepEqual(sink.told.length, 3, "the end is told later, never within a call");
  await settle();
  assert.deepEqual(sink.told, ["early", "early too", "now", "end"]);
});

Deno.test("BunConn pauses its socket while the sink is busy, and then goes on in order", async () => {
  const { conn, calls, socket } = fakeSocket();
  const sink = new TestSink();
  conn.pushTo(sink);
  sink.hold = true;
  HANDLERS.data(socket, bytes("one"));
  assert.deepEqual(calls, ["pause"], "what comes meanwhile would have to be kept");
  HANDLERS.data(socket, bytes("two"));
  HANDLERS.data(socket, bytes("three"));
  HANDLERS.end(socket);
  assert.deepEqual(calls, ["pause"]);
  assert.deepEqual(sink.told, ["one"]);
  await sink.release();
  assert.deepEqual(sink.told, ["one", "two"]);
  sink.hold = false;
  await sink.release();
  assert.deepEqual(sink.told, ["one", "two", "three", "end"]);
});

Deno.test("BunConn goes on reading once a busy sink is done", async () => {
  const { calls, sink } = heldAtOne();
  await sink.release();
  assert.deepEqual(calls, ["pause"], "the second is not taken yet");
  await sink.release();
  assert.deepEqual(calls, ["pause", "resume"]);
  assert.deepEqual(sink.told, ["one", "two"]);
});

Deno.test("BunConn tells a sink of a cut after what came before it, once", async () => {
  const { socket, sink } = heldAtOne();
  HANDLERS.close(socket);
  HANDLERS.close(socket);
  sink.hold = false;
  await sink.release();
  assert.deepEqual(sink.told, ["one", "two", "failure: reset"]);
});

Deno.test("BunConn gives a sink nothing more once it was closed here", async () => {
  const { conn, calls, sink } = heldAtOne();
  conn.close();
  await sink.release();
  assert.deepEqual(sink.told, ["one", "failure: closed"]);
  assert.deepEqual(calls, ["pause", "terminate"]);
});
