import { quoteValue } from "./quote_value.ts";

/**
 * A text or value that cannot be understood. `message` is complete. {@linkcode ValueError.detail} says only what is
 * wrong and what is allowed, for callers that name the place and the value themselves.
 */
export class ValueError extends SyntaxError {
  override readonly name = "ValueError";
  /**
   * @param what what was to be parsed, such as `address`
   * @param value the text or value that was found
   * @param detail such as `port must be a number from 0 to 65535`
   */
  constructor(what: string, readonly value: unknown, readonly detail: string) {
    super(`Cannot parse ${what} ${quoteValue(value)}: ${detail}`);
  }

  /** What was found and what is allowed, for callers that name the place themselves. */
  get finding(): string {
    return `found ${quoteValue(this.value)}, ${this.detail}`;
  }
}

/** A value in an inline table that cannot be understood, or a key that has no meaning there. */
export class MemberError extends ValueError {
  /**
   * @param member the key in the table
   * @param cause what is wrong with its value, or a text where the key itself is wrong
   */
  constructor(what: string, readonly member: string, override readonly cause: ValueError | string) {
    const [value, detail] = typeof cause === "string" ? [member, cause] : [cause.value, cause.detail];
    super(what, value, detail);
  }

  override get finding(): string {
    return typeof this.cause === "string" ? this.cause : this.cause.finding;
  }
}

/** Elements of a list that cannot be understood. */
export class ListError extends ValueError {
  /** @param elements what is wrong, with the index of each element */
  constructor(what: string, value: unknown, readonly elements: readonly { index: number; error: ValueError }[]) {
    super(what, value, elements.map(({ error }) => error.finding).join("; "));
  }
}
