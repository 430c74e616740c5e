import assert from "node:assert/strict";
import { Socket } from "node:net";
import { NodeConn } from "../../src/engines/node/node_conn.ts";

const RECORD = new Uint8Array(16 * 1024);
/** More than an application on a Unix socket takes without reading, and than the engine's trial. */
const TRIAL_RECORDS = 20;

/** The connection of a stream that is not connected, on which the test says what arrives. */
class TestConn extends NodeConn {
  readonly socket: Socket;

  constructor() {
    const socket = new Socket();
    super(socket);
    this.socket = socket;
    this.attach(socket);
    socket.resume();
  }

  arrive(chunk: Uint8Array): void {
    this.socket.emit("data", chunk);
  }
}

// The timer of the watch over stalled connections ends at its next look.
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a full record stops the stream until it was taken, while the other side is on trial", options, async () => {
  const conn = new TestConn();
  for (let index = 0; index < TRIAL_RECORDS; index++) {
    const read = conn.read();
    assert.equal(conn.socket.isPaused(), false, `stopped for a read, ${index}`);
    conn.arrive(RECORD);
    assert.equal(conn.socket.isPaused(), true, `not stopped by chunk ${index}`);
    assert.equal(await read, RECORD);
  }
  const read = conn.read();
  conn.arrive(RECORD);
  assert.equal(await read, RECORD);
  assert.equal(conn.socket.isPaused(), false, "stopped after the trial");
  conn.arrive(RECORD);
  assert.equal(conn.socket.isPaused(), false, "stopped by the first chunk that waits after the trial");
  conn.arrive(RECORD);
  assert.equal(conn.socket.isPaused(), true, "not stopped by chunks that wait");
  conn.close();
});

Deno.test("a short message does not stop the stream while it is written", options, async () => {
  const conn = new TestConn();
  const read = conn.read();
  conn.arrive(RECORD.subarray(1));
  assert.equal(conn.socket.isPaused(), false);
  assert.equal((await read)?.length, RECORD.length - 1);
  conn.close();
});
