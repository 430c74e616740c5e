import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

type WriteDone = (error?: Error | null) => void;
type Chunks = { chunk: unknown; encoding: BufferEncoding }[];

/**
 * A socket that can still be read when a write has failed. Node and Deno destroy a socket then, and would lose what the
 * peer had sent before it left.
 */
export class LastingSocket extends Socket {
  /** Called when a write has failed, which the stream itself takes for done. */
  writeFailed: (error: Error) => void = ignore;

  override _write(chunk: unknown, encoding: BufferEncoding, done: WriteDone): void {
    super._write(chunk, encoding, reporting(this, done));
  }

  override _writev(chunks: Chunks, done: WriteDone): void {
    super._writev!(chunks, reporting(this, done));
  }
}

/** The same with TLS. */
export class LastingTlsSocket extends TLSSocket {
  /** {@linkcode LastingSocket.writeFailed} */
  writeFailed: (error: Error) => void = ignore;

  override _write(chunk: unknown, encoding: BufferEncoding, done: WriteDone): void {
    super._write(chunk, encoding, reporting(this, done));
  }

  override _writev(chunks: Chunks, done: WriteDone): void {
    super._writev!(chunks, reporting(this, done));
  }
}

function reporting(socket: LastingSocket | LastingTlsSocket, done: WriteDone): WriteDone {
  return (error) => {
    if (error) socket.writeFailed(error);
    done();
  };
}

/** A {@linkcode LastingSocket.writeFailed} for nobody. */
export function ignore(): void {}
