import { BaseHandler, type FormatterFunction, type LevelName } from "@std/log";
import type { LineWriter } from "./line_writer.ts";
import type { LogTarget } from "./log_target.ts";

/** Standard error as the place for records. */
export class StderrTarget extends BaseHandler implements LogTarget {
  /** Lines that standard error did not take are counted by the writer, which outlives this target. */
  readonly dropped = 0;
  readonly diverted = 0;
  readonly onStderr = true;

  /** @param stderr queues the lines */
  constructor(levelName: LevelName, formatter: FormatterFunction, private readonly stderr: LineWriter) {
    super(levelName, { formatter });
  }

  override log(line: string): void {
    this.stderr.push(line);
  }

  reopen(): boolean {
    return false;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
