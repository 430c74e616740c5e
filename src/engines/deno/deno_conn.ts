/** Connections of the native engine on Deno: plain ones to backends, encrypted ones from clients. */
import { unmapAddress } from "../../net/ip_address.ts";
import { CLOSED_HERE, type Conn, ConnError, type Receiver, WRITTEN } from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import { connError } from "./deno_error.ts";
import { libc } from "../../linux/thread_libc.ts";
import type { ConnectionToEnd } from "../../linux/connection_calls.ts";
import { Batches } from "../shared/batches.ts";
import { ReadBuffer } from "../shared/read_buffer.ts";
import { unsentBytes } from "../shared/unsent_bytes.ts";
import { MAX_RECORD, RecordGatherer } from "./record_gatherer.ts";

const NOTHING = new Uint8Array();

/** A plain connection, and the base of the encrypted one. */
export class DenoConn implements Conn {
  protected readonly inner: Deno.Conn;
  protected writing = 0;
  protected hasWritten = false;
  protected closed = false;
  private readonly buffer: ReadBuffer;
  private unwritten: Uint8Array = NOTHING;
  private reader: Receiver | null = null;
  private writer: Receiver | null = null;
  // One function for all reads or writes, made with the first: a relay of the native engine needs the first four, that
  // of the node engine the others. Methods make them, since V8 puts a function that is written in an assignment to a
  // property into the old generation (see the traps in src/README.md).
  private onRead: ((count: number | null) => void) | undefined;
  private onReadFailed: ((error: unknown) => void) | undefined;
  private onTaken: ((count: number) => void) | undefined;
  private onWriteFailed: ((error: unknown) => void) | undefined;
  private readDone: ((count: number | null) => Uint8Array | null) | undefined;
  private writeDone: ((count: number) => void | Promise<void>) | undefined;
  private anyFailed: ((error: unknown) => never) | undefined;

  constructor(inner: Deno.Conn, maxRead: number) {
    this.inner = inner;
    this.buffer = new ReadBuffer(maxRead);
  }

  get remote(): { hostname: string; port: number } {
    return endpoint(this.inner.remoteAddr);
  }

  get local(): { hostname: string; port: number } {
    return endpoint(this.inner.localAddr);
  }

  heard(): Promise<boolean> {
    if (this.remote === UNIX_ENDPOINT) return Promise.resolve(true);
    return heardOf.ask({ remote: this.remote, local: this.local });
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  // This is no async function, because each idle connection waits here twice, and a suspended frame takes 0.5 KB.
  read(): Promise<Uint8Array | null> {
    return this.inner.read(this.buffer.space())
      .then(this.readDone ??= this.makeReadDone(), this.failed);
  }

  readFor(reader: Receiver): void {
    this.reader = reader;
    this.inner.read(this.buffer.space()).then(
      this.onRead ??= this.makeOnRead(),
      this.onReadFailed ??= this.makeOnReadFailed(),
    );
  }

  protected received(count: number | null): Uint8Array | null {
    return count === null ? null : this.buffer.filled(count);
  }

  // Neither is this one, because nearly every write is taken as a whole.
  write(bytes: Uint8Array): Promise<void> {
    this.hasWritten = true;
    this.writing++;
    this.unwritten = bytes;
    return this.inner.write(bytes).then(this.writeDone ??= this.makeWriteDone(), this.failed);
  }

  writeFor(bytes: Uint8Array, writer: Receiver): void {
    this.hasWritten = true;
    this.writing++;
    this.unwritten = bytes;
    this.writer = writer;
    this.inner.write(bytes).then(
      this.onTaken ??= this.makeOnTaken(),
      this.onWriteFailed ??= this.makeOnWriteFailed(),
    );
  }

  private takenOf(count: number): void | Promise<void> {
    const bytes = this.unwritten;
    this.unwritten = NOTHING;
    if (count < bytes.length) return this.writeRest(this.restOf(bytes, count));
    this.writing--;
  }

  /** What is left of a chunk of which `count` bytes were taken. */
  protected restOf(bytes: Uint8Array, count: number): Uint8Array {
    return bytes.subarray(count);
  }

  protected get failed(): (error: unknown) => never {
    return this.anyFailed ??= this.makeFailed();
  }

  private makeFailed(): (error: unknown) => never {
    return (error) => {
      throw this.fail(error);
    };
  }

  private makeOnRead(): (count: number | null) => void {
    return (count) => this.reader!.received(this.received(count));
  }

  private makeOnReadFailed(): (error: unknown) => void {
    return (error) => this.reader!.failed(this.fail(error));
  }

  private makeOnTaken(): (count: number) => void {
    return (count) => {
      const writer = this.writer!;
      const rest = this.takenOf(count);
      if (rest === undefined) writer.written();
      else rest.then(() => writer.written(), (error) => writer.failed(error));
    };
  }

  private makeOnWriteFailed(): (error: unknown) => void {
    return (error) => this.writer!.failed(this.fail(error));
  }

  private makeReadDone(): (count: number | null) => Uint8Array | null {
    return (count) => this.received(count);
  }

  private makeWriteDone(): (count: number) => void | Promise<void> {
    return (count) => this.takenOf(count);
  }

  private async writeRest(bytes: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < bytes.length;) written += await this.inner.write(bytes.subarray(written));
      this.writing--;
    } catch (error) {
      throw this.fail(error);
    }
  }

  unsent(): Promise<number | null> {
    return unsentBytes(this);
  }

  closeWrite(): Promise<void> {
    this.writing++;
    return this.inner.closeWrite().then(() => {
      this.writing--;
      this.writeClosed();
    }, (error) => {
      this.writing--;
      throw this.fail(error);
    });
  }

  /** The peer was told that nothing follows. */
  protected writeClosed(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.inner.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  abort(): void {
    if (this.closed || this.remote === UNIX_ENDPOINT) return this.close();
    this.closed = true;
    endSoon({ remote: this.remote, local: this.local, how: "reset" }, () => this.inner.close());
  }

  protected fail(error: unknown): ConnError {
    return this.closed ? CLOSED_HERE : connError(error);
  }
}

/** A client's connection. */
export class DenoTlsConn extends DenoConn {
  private gatherer: RecordGatherer | null = null;
  private established = false;
  /** Whether close_notify is sent or the connection is dead, so that Deno's `close()` has nothing to wait for. */
  private finished = false;

  constructor(inner: Deno.TlsConn) {
    super(inner, MAX_RECORD);
  }

  override read(): Promise<Uint8Array | null> {
    if (this.gatherer !== null) {
      if (!this.gatherer.drained) return this.gatherer.read().catch(this.failed);
      this.gatherer.release();
      this.gatherer = null;
    }
    return super.read();
  }

  override readFor(reader: Receiver): void {
    if (this.gatherer === null) return super.readFor(reader);
    this.read().then((chunk) => reader.received(chunk), (error) => reader.failed(error));
  }

  protected override received(count: number | null): Uint8Array | null {
    // A full record is a sign of a bulk transfer.
    if (count === MAX_RECORD) this.gatherer = new RecordGatherer((space) => this.inner.read(space));
    return super.received(count);
  }

  override handshake(): Promise<TlsInfo> {
    return (this.inner as Deno.TlsConn).handshake().then(({ alpnProtocol }) => {
      this.established = true;
      return alpnProtocol === null ? {} : { alpn: alpnProtocol };
    }, this.failed);
  }

  override closeWrite(): Promise<void> {
    return this.finished ? WRITTEN : super.closeWrite();
  }

  protected override writeClosed(): void {
    this.finished = true;
  }

  cutWrite(): void {
    endSoon({ remote: this.remote, local: this.local, how: "fin" }, () => {});
  }

  override close(): void {
    if (this.closed) return;
    if (this.finished) return super.close();
    this.closed = true;
    // Until close_notify is sent, Deno's `close()` waits for a stalled handshake, or for a reader that has stopped, and
    // the socket stays open. Ending the socket itself before that frees it.
    const how = this.established && this.writing > 0 ? "discard" : "free";
    endSoon({ remote: this.remote, local: this.local, how }, () => this.inner.close());
  }

  /**
   * What the end of a connection stands for. The kernel reports a reset once. Where it comes before the session tickets
   * are written, it is their write that fails, of which Deno says nothing, and the connection seems to end by FIN. After
   * a write of ours that is not so: it would have failed.
   */
  private resetOf(failure: ConnError): ConnError {
    return failure.kind === "truncated" && this.established && !this.hasWritten && libc.isReset(this) ? RESET : failure;
  }

  protected override fail(error: unknown): ConnError {
    const failure = this.resetOf(super.fail(error));
    if (["reset", "broken-pipe", "tls"].includes(failure.kind)) this.finished = true;
    return failure;
  }
}

const RESET = new ConnError("reset", "connection reset");

/** Those of one turn take one scan of the descriptors, as in {@linkcode endSoon}. */
const heardOf = new Batches((connections: Pick<ConnectionToEnd, "remote" | "local">[]) => {
  const silent = libc.silentConnections(connections);
  return connections.map((connection) => !silent.has(connection));
});

const ending: (ConnectionToEnd & { then: () => void })[] = [];

/**
 * Ends connections by calls of the operating system. Those of one turn of the event loop are collected, so that a
 * thousand expired handshakes take one scan of the descriptors.
 * @param then called afterwards
 */
function endSoon(connection: ConnectionToEnd, then: () => void): void {
  ending.push({ ...connection, then });
  if (ending.length > 1) return;
  queueMicrotask(() => {
    const batch = ending.splice(0);
    libc.endConnections(batch);
    for (const { then } of batch) then();
  });
}

const UNIX_ENDPOINT = { hostname: "", port: 0 };

function endpoint(address: Deno.Addr): { hostname: string; port: number } {
  if (address.transport !== "tcp") return UNIX_ENDPOINT;
  if (!address.hostname.startsWith("::ffff:")) return address;
  return { hostname: unmapAddress(address.hostname), port: address.port };
}
