import { ConnError } from "../contract.ts";

/** Takes connections as they come. */
interface Receiver<T> {
  accepted(connection: T): void;
  failed(error: ConnError): void;
}

/** Queues the connections of a runtime that pushes them, until somebody takes them. */
export class AcceptQueue<T> {
  readonly #limit: number;
  readonly #waiting: T[] = [];
  #failure: ConnError | null = null;
  #closed = false;
  #acceptor: { resolve(connection: T): void; reject(error: ConnError): void } | null = null;
  #receiver: Receiver<T> | null = null;

  /** @param limit how many connections may wait, since one turn of the event loop may bring several */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Queues a connection. Returns `false` where too many wait, or the queue is closed. */
  push(connection: T): boolean {
    if (this.#receiver !== null && !this.#closed) {
      this.#receiver.accepted(connection);
      return true;
    }
    if (this.#acceptor !== null) {
      this.#acceptor.resolve(connection);
      this.#acceptor = null;
      return true;
    }
    if (this.#closed || this.#waiting.length >= this.#limit) return false;
    this.#waiting.push(connection);
    return true;
  }

  /** Makes the next accept fail. */
  fail(error: ConnError): void {
    if (this.#receiver !== null) return this.#receiver.failed(error);
    if (this.#acceptor === null) this.#failure = error;
    else this.#acceptor.reject(error);
    this.#acceptor = null;
  }

  /** @throws {ConnError} a failure, or kind `closed` */
  accept(): Promise<T> {
    // Connections that were accepted before the close are served.
    const connection = this.#waiting.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    if (this.#closed) return Promise.reject(new ConnError("closed", "Listener was closed"));
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure);
    return new Promise((resolve, reject) => this.#acceptor = { resolve, reject });
  }

  /** Replaces {@linkcode AcceptQueue.accept} from now on. */
  handTo(receiver: Receiver<T>): void {
    this.#receiver = receiver;
    for (const connection of this.#waiting.splice(0)) receiver.accepted(connection);
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) receiver.failed(failure);
    if (this.#closed) receiver.failed(new ConnError("closed", "Listener was closed"));
  }

  close(): void {
    if (!this.#closed) this.#receiver?.failed(new ConnError("closed", "Listener was closed"));
    this.#closed = true;
    this.#acceptor?.reject(new ConnError("closed", "Listener was closed"));
    this.#acceptor = null;
  }
}
