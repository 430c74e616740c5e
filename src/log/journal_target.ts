import { BaseHandler, type LevelName, type LogRecord } from "@std/log";
import type { JournalSocket } from "../systemd/journal_socket.ts";
import { encodeJournalEntry, encodeJournalLine } from "./journal_entry.ts";
import type { LogTarget } from "./log_target.ts";

/** Options of {@linkcode JournalTarget}. */
interface JournalTargetOptions {
  /** Where records go while the journal does not take them. */
  fallback: BaseHandler;
  /** Called when the journal takes records again, with the number that went to `fallback` meanwhile. */
  onRecovered?: (diverted: number) => void;
  /** Called once each time the journal stops taking records. */
  onLost?: (error: Error) => void;
  /** Milliseconds between attempts while nobody listens. Default 1000. */
  retryMs?: number;
  /** A monotonic clock, in milliseconds. Default: `performance.now`. */
  nowMs?: () => number;
}

/** Most records that wait while journald is behind. */
const MAX_WAITING = 8192;
/**
 * A journald that dies loses the datagrams in its socket. They are at most `net.unix.max_dgram_qlen` (512 where systemd
 * booted) and hardly older than `IN_FLIGHT_MS`. Records as young as that go to the fallback, which may repeat a few.
 */
const MAX_IN_FLIGHT = 513;
const IN_FLIGHT_MS = 5_000;
/** A send that takes this long means that journald hangs. */
const STUCK_MS = 2_000;

/** The journal as the place for records. While it is missing or far behind, records go to a fallback. */
export class JournalTarget extends BaseHandler implements LogTarget {
  readonly dropped = 0;
  readonly onStderr = false;
  /** Records that went to the fallback since the start. */
  diverted = 0;
  #unreported = 0;
  #waiting: LogRecord[] = [];
  #sent: { record: LogRecord; atMs: number }[] = [];
  #pump: Promise<void> | null = null;
  #downSinceMs: number | null = null;
  #sendStartedMs = 0;
  #behind = false;
  #closed = false;
  readonly #nowMs: () => number;

  constructor(levelName: LevelName, readonly socket: JournalSocket, private readonly options: JournalTargetOptions) {
    super(levelName);
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  override handle(record: LogRecord): void {
    if (this.level > record.level) return;
    if (this.#closed || !this.#accepts()) {
      this.#divert([record]);
      return;
    }
    this.#waiting.push(record);
    if (this.#pump) return;
    this.#sendStartedMs = this.#nowMs();
    this.#pump = Promise.resolve().then(() => this.#run());
  }

  #accepts(): boolean {
    const now = this.#nowMs();
    if (this.#downSinceMs !== null) {
      // While the journal is away, one record at a time tries to reach it.
      return this.#pump === null && now - this.#downSinceMs >= (this.options.retryMs ?? 1_000);
    }
    if (this.#pump === null) return true;
    if (this.#waiting.length < MAX_WAITING && now - this.#sendStartedMs < STUCK_MS) return true;
    this.#behind = true;
    return false;
  }

  override log(_line: string): void {}

  reopen(): boolean {
    return false;
  }

  /** Sends what waits, for `timeoutMs` at most, gives the rest to the fallback, and closes. */
  async close(timeoutMs = 500): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#pump, timeout]);
    clearTimeout(timer);
    this.#closed = true;
    this.#divert(this.#waiting.splice(0));
    this.socket.close();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closed) {
      const record = this.#waiting[0];
      this.#sendStartedMs = this.#nowMs();
      try {
        await this.socket.send(this.socket.native ? encodeJournalEntry(record) : encodeJournalLine(record));
      } catch (cause) {
        if (this.#closed) break;
        const error = cause instanceof Error ? cause : new Error(String(cause));
        if ((error as { code?: string }).code === "EMSGSIZE") this.#divert([this.#waiting.shift()!]);
        else this.#lose(error);
        continue;
      }
      if (this.#closed) break;
      this.#waiting.shift();
      this.#remember(record);
      this.#recover();
    }
    this.#pump = null;
  }

  #lose(error: Error): void {
    const first = this.#downSinceMs === null;
    this.#downSinceMs = this.#nowMs();
    if (first) this.options.onLost?.(error);
    const inFlight = this.#sent.filter(({ atMs }) => this.#sendStartedMs - atMs < IN_FLIGHT_MS).map(({ record }) =>
      record
    );
    this.#sent = [];
    this.#divert([...inFlight, ...this.#waiting.splice(0)]);
  }

  #recover(): void {
    if (this.#downSinceMs === null && !(this.#behind && this.#waiting.length < MAX_WAITING / 2)) return;
    this.#downSinceMs = null;
    this.#behind = false;
    const count = this.#unreported;
    this.#unreported = 0;
    this.options.onRecovered?.(count);
  }

  #remember(record: LogRecord): void {
    this.#sent.push({ record, atMs: this.#nowMs() });
    // Removes many at once, so that the array is not moved for each record.
    if (this.#sent.length > 2 * MAX_IN_FLIGHT) this.#sent.splice(0, this.#sent.length - MAX_IN_FLIGHT);
  }

  #divert(records: LogRecord[]): void {
    this.diverted += records.length;
    this.#unreported += records.length;
    for (const record of records) this.options.fallback.handle(record);
  }
}
