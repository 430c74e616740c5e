import process from "node:process";
import { readEnvironment } from "../runtimes/environment.ts";

/** Calls of the operating system that notifications need. */
interface NotifyCalls {
  sendToUnix(path: string, bytes: Uint8Array<ArrayBuffer>): void;
  monotonicUsec(): bigint;
}

/** The part of a logger that is used here. */
interface NotifyLog {
  warn(message: string, fields: Record<string, unknown>): void;
  error(message: string, fields: Record<string, unknown>): void;
}

interface ServiceManagerOptions {
  calls: NotifyCalls | null;
  log: NotifyLog;
  environment?: (name: string) => string | undefined;
}

/**
 * Notifies systemd, or another service manager with the same protocol, of the program's state (sd_notify(3)). Does
 * nothing where there is none.
 */
export class ServiceManager {
  readonly #calls: NotifyCalls | null;
  readonly #log: NotifyLog;
  readonly #path: string | null;
  readonly #watchdogMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #failed = false;

  constructor({ calls, log, environment = readEnvironment }: ServiceManagerOptions) {
    this.#calls = calls;
    this.#log = log;
    const path = environment("NOTIFY_SOCKET") ?? "";
    this.#path = path === "" ? null : path.replace(/^@/, "\0");
    const pid = environment("WATCHDOG_PID");
    const isForUs = pid === undefined || pid === "" || pid === `${process.pid}`;
    this.#watchdogMs = isForUs ? Number(environment("WATCHDOG_USEC") ?? 0) / 1000 : 0;
    if (this.#path !== null && calls === null) {
      log.warn("the service manager cannot be told anything on this runtime", { event: "notify-failed" });
    }
  }

  ready(status: string): void {
    this.#send(["READY=1", `STATUS=${status}`]);
  }

  reloading(): void {
    this.#send(["RELOADING=1", `MONOTONIC_USEC=${this.#calls?.monotonicUsec()}`, "STATUS=reloading"]);
  }

  stopping(status: string): void {
    this.#send(["STOPPING=1", `STATUS=${status}`]);
  }

  /**
   * Begins to notify the watchdog, twice in the time that it allows, that the program works.
   * @param isWell is asked each time; without an answer in time the program counts as not working
   */
  watch(isWell: () => Promise<boolean>): void {
    if (!(this.#watchdogMs > 0) || this.#path === null) return;
    const everyMs = this.#watchdogMs / 2;
    this.#timer = setInterval(async () => {
      const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), everyMs));
      if (await Promise.race([isWell(), late])) this.#send(["WATCHDOG=1"]);
      else this.#log.error("a worker does not answer: the watchdog is not fed", { event: "watchdog" });
    }, everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #send(lines: string[]): void {
    if (this.#path === null || this.#calls === null) return;
    try {
      this.#calls.sendToUnix(this.#path, new TextEncoder().encode(`${lines.join("\n")}\n`));
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      this.#log.warn("the service manager does not listen", { event: "notify-failed", error: String(error) });
    }
  }
}
