import { type Conn, ConnError, type Receiver, type Sink, WRITTEN } from "../../engines/contract.ts";

/** How one direction ended: by the end of its source, or by a failure of source or target. */
export type RelayEnd =
  | { kind: "ended" }
  | { kind: "failed"; side: "source" | "target"; error: ConnError };

/** Every end in good order, since each connection has two. */
const ENDED: RelayEnd = { kind: "ended" };

/**
 * Receives what happens to one direction. It is one object instead of closures, because each idle connection has two.
 */
export interface Flow {
  /** A chunk of `count` bytes was read. */
  moved(count: number): void;
  /** The direction is over. Where its target has failed, its source may still send. */
  ended(end: RelayEnd): void;
  /** Whether the end of the source is passed on to the target. */
  endsTarget(): boolean;
  /** A chunk was dropped, after {@linkcode Relay.discard}. */
  dropped(): void;
  /** The source has ended or failed, after {@linkcode Relay.discard}; {@linkcode Flow.ended} is not called any more. */
  drained(failure: ConnError | null): void;
}

/**
 * One direction of a connection: reads, counts and writes until the source ends, then half-closes the target. A write
 * is awaited before the next read, so a slow target slows its source down, and at most one chunk is held. Never throws.
 */
export class Relay implements Sink, Receiver {
  private readonly source: Conn;
  private readonly target: Conn;
  private readonly flow: Flow;
  private side: "source" | "target" = "source";
  /** Whether the flow was told of the end. */
  private over = false;
  private discarding = false;
  private sourceEnded = false;
  /** Lets a source that pushes go on after it has waited because the target failed. */
  private release: (() => void) | null = null;
  // For engines without `readFor` or `writeFor` alone; made when they are needed first, by methods, since V8 puts a
  // function that is written in an assignment to a property into the old generation (see the traps in src/README.md).
  private onReceived: ((chunk: Uint8Array | null) => void) | undefined;
  private onWritten: (() => void) | undefined;
  private onFailed: ((error: unknown) => void) | undefined;

  constructor(source: Conn, target: Conn, flow: Flow) {
    this.source = source;
    this.target = target;
    this.flow = flow;
  }

  /** @param first the first read, where it was begun before the target was connected */
  start(first?: Promise<Uint8Array | null>): void {
    if (this.source.pushTo === undefined) this.pull(first);
    else if (first === undefined) this.source.pushTo(this);
    else first.then((chunk) => this.pushAfter(chunk), (error) => this.failed(error));
  }

  /**
   * Reads and drops everything that the source sends from now on, until it ends. Closing a TCP connection with unread
   * bytes resets it, and the reset may overtake what was sent to the peer last.
   * @returns whether {@linkcode Flow.drained} comes in addition to {@linkcode Flow.ended}, which was called already
   */
  discard(): boolean {
    const again = this.over && !this.discarding && !this.sourceEnded;
    this.discarding = true;
    // Otherwise a read or a write is pending, whose result is dropped.
    if (again) this.restart();
    return again;
  }

  private restart(): void {
    this.over = false;
    this.side = "source";
    if (this.release === null) this.start();
    else this.release();
  }

  /** This is no async function, because each chunk would suspend its frame twice, and each idle connection keep one. */
  private pull(first: Promise<Uint8Array | null> | undefined): void {
    if (first === undefined) this.readNext();
    else first.then((chunk) => this.received(chunk), (error) => this.failed(error));
  }

  private readNext(): void {
    this.side = "source";
    const source = this.source;
    if (source.readFor !== undefined) return source.readFor(this);
    source.read().then(
      this.onReceived ??= this.makeOnReceived(),
      this.onFailed ??= this.makeOnFailed(),
    );
  }

  private makeOnReceived(): (chunk: Uint8Array | null) => void {
    return (chunk) => this.received(chunk);
  }

  private makeOnWritten(): () => void {
    return () => this.written();
  }

  private makeOnFailed(): (error: unknown) => void {
    return (error) => this.failed(error);
  }

  /** {@linkcode Receiver.received} */
  received(chunk: Uint8Array | null): void {
    if (chunk === null) return this.end(null);
    if (this.discarding) {
      this.flow.dropped();
      return this.readNext();
    }
    const target = this.target;
    if (target.writeFor === undefined) {
      this.forward(chunk).then(
        this.onWritten ??= this.makeOnWritten(),
        this.onFailed ??= this.makeOnFailed(),
      );
      return;
    }
    try {
      this.flow.moved(chunk.length);
      this.side = "target";
      target.writeFor(chunk, this);
    } catch (error) {
      this.failed(error);
    }
  }

  /** {@linkcode Receiver.written} */
  written(): void {
    this.readNext();
  }

  /** {@linkcode Receiver.failed} */
  failed(error: unknown): void {
    if (this.discarding && this.side === "target") {
      this.flow.dropped();
      this.readNext();
    } else this.end(asConnError(error));
  }

  /** Goes on with a source that pushes, after the read that was begun before. */
  private pushAfter(chunk: Uint8Array | null): void {
    if (chunk === null) return this.end(null);
    const taking = this.take(chunk);
    if (taking === WRITTEN) this.source.pushTo!(this);
    else void taking.then(() => this.source.pushTo!(this));
  }

  /** {@linkcode Sink.take} */
  take(chunk: Uint8Array): Promise<void> {
    if (this.discarding) {
      this.flow.dropped();
      return WRITTEN;
    }
    const writing = this.forward(chunk);
    if (writing === WRITTEN) {
      this.side = "source";
      return WRITTEN;
    }
    return writing.then(() => {
      this.side = "source";
    }, (error) => this.targetFailed(error));
  }

  /** {@linkcode Sink.unsent} */
  unsent(): number | null | Promise<number | null> {
    return this.target.unsent();
  }

  private forward(chunk: Uint8Array): Promise<void> {
    try {
      this.flow.moved(chunk.length);
      this.side = "target";
      return this.target.write(chunk);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Makes a source that pushes wait until its bytes are to be dropped. */
  private targetFailed(error: unknown): Promise<void> {
    if (this.discarding) {
      this.flow.dropped();
      this.side = "source";
      return WRITTEN;
    }
    const released = new Promise<void>((resolve) => this.release = resolve);
    this.end(asConnError(error));
    return released;
  }

  /** {@linkcode Sink.end} */
  end(failure: ConnError | null): void {
    this.sourceEnded ||= this.side === "source";
    // A peer that sends FIN without close_notify may still read, and must get its answer.
    if (failure === null || (this.side === "source" && failure.kind === "truncated")) {
      this.closeTarget();
    } else this.finish({ kind: "failed", side: this.side, error: failure });
  }

  /** Tells the flow of the end, once: a source that pushes may still report its end after the target has failed. */
  private finish(end: RelayEnd): void {
    if (this.over) return;
    this.over = true;
    if (this.discarding) this.flow.drained(end.kind === "failed" ? end.error : null);
    else this.flow.ended(end);
  }

  private closeTarget(): void {
    if (this.over) return;
    if (this.discarding || !this.flow.endsTarget()) return this.finish(ENDED);
    const closing = this.target.closeWrite();
    if (closing === WRITTEN) return this.finish(ENDED);
    closing.then(() => this.finish(ENDED), (error) => {
      const failure = asConnError(error);
      // Everything was written. A target that is gone by now has only closed before it was told to.
      if (failure.kind === "reset" || failure.kind === "broken-pipe") this.finish(ENDED);
      else this.finish({ kind: "failed", side: "target", error: failure });
    });
  }
}

function asConnError(error: unknown): ConnError {
  if (error instanceof ConnError) return error;
  return new ConnError("other", error instanceof Error ? error.message : String(error), { cause: error });
}
