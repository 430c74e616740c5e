/** The meaning of stars in a pattern. */
interface PatternOptions {
  /** The character that `*` does not stand for; absent where it stands for all. */
  separator?: string;
  /** Whether `**` stands for any characters, including the separator. */
  doubleStar?: boolean;
  ignoreCase?: boolean;
}

/** A longer value matches nothing. A SPIFFE ID has 2048 bytes at most, a DNS name 253. */
const MAX_VALUE_LENGTH = 2048;

/**
 * Compiles a pattern in which `*` stands for one or more characters.
 *
 * Values with control characters match no pattern, not even `*`: if one part of a system ends a name at a NUL and
 * another does not, they see different clients.
 *
 * The time is at most proportional to the product of both lengths, which a regular expression's is not.
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
        // A star that has begun may stand for one more character.
        if (matches && (reached[i] || token[0] === "*" && next[i])) next[i + 1] = true;
      }
      reached = next;
    }
    return reached[text.length] === true;
  };
}

/** Splits a pattern into characters, `*` and, where it has a meaning, `**`. */
function tokenize(pattern: string, doubleStar: boolean): string[] {
  const tokens: string[] = [];
  for (const token of pattern.match(/\*+|[^]/g) ?? []) {
    if (token[0] === "*") tokens.push(token.length > 1 && doubleStar ? "**" : "*");
    else tokens.push(token);
  }
  return tokens;
}
