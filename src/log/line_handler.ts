import { BaseHandler, type FormatterFunction, type LevelName } from "@std/log";
import type { LineWriter } from "./line_writer.ts";

/** Formats each record as one line and queues it for an output. */
export class LineHandler extends BaseHandler {
  constructor(levelName: LevelName, formatter: FormatterFunction, readonly writer: LineWriter) {
    super(levelName, { formatter });
  }

  override log(line: string): void {
    this.writer.push(line);
  }
}
