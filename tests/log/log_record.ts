import { BaseHandler, Logger, type LogRecord } from "@std/log";

class Keep extends BaseHandler {
  readonly records: LogRecord[] = [];

  override handle(record: LogRecord): void {
    this.records.push(record);
  }

  override log(): void {}
}

/** A record as a logger makes it: `@std/log` exports the class as a type alone. */
export function makeRecord(level: "info" | "warn", msg: string, fields: Record<string, unknown>): LogRecord {
  const keep = new Keep("DEBUG");
  new Logger("tls-off", "DEBUG", { handlers: [keep] })[level](msg, fields);
  return keep.records[0];
}
