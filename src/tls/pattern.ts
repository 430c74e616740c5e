/** What may stand in a name that a pattern is held against. */
interface PatternOptions {
  /** `*` stops at this character; absent: it stops at none. */
  separator?: string;
  /** `**` stands for any characters, the separator among them. */
  doubleStar?: boolean;
  ignoreCase?: boolean;
}

/** Longer values match nothing: a SPIFFE ID has 2048 bytes at most, a DNS name 253. */
const MAX_VALUE_LENGTH = 2048;

/**
 * Compiles a pattern in which `*` stands for one or more characters.
 *
 * Values with control characters match no pattern, not even `*`: where one part of a system ends a name at a NUL and another
 * does not, they see different clients.
 *
 * The time is bounded by the product of both lengths, whatever the value; a regular expression's is not.
 */
export function compilePattern(pattern: string, options: PatternOptions = {}): (value: string) => boolean {
  const { separator, doubleStar = false, ignoreCase = false } = options;
  const fold = (text: string) => ignoreCase ? text.toLowerCase() : text;
  const tokens = tokenize(fold(pattern), doubleStar);
  return (value) => {
    // deno-lint-ignore no-control-regex
    if (value.length === 0 || value.length > MAX_VALUE_LENGTH || /[\x00-\x1f\x7f]/.test(value)) return false;
    const text = fold(value);
    // reached[i]: the tokens so far can match exactly the first i characters.
    let reached: boolean[] = [true];
    for (const token of tokens) {
      const next: boolean[] = [];
      for (let i = 0; i < text.length; i++) {
        const matches = token === "**" || (token === "*" ? text[i] !== separator : text[i] === token);
        // A star goes on from where it has begun.
        if (matches && (reached[i] || token[0] === "*" && next[i])) next[i + 1] = true;
      }
      reached = next;
    }
    return reached[text.length] === true;
  };
}

/** Characters, `*` and, where it means something, `**`. */
function tokenize(pattern: string, doubleStar: boolean): string[] {
  const tokens: string[] = [];
  for (const token of pattern.match(/\*+|[^]/g) ?? []) {
    if (token[0] === "*") tokens.push(token.length > 1 && doubleStar ? "**" : "*");
    else tokens.push(token);
  }
  return tokens;
}
