const MAX_LENGTH = 80;

/**
 * Shows a configuration value in an error message: on one line, of bounded length, without control characters.
 *
 * @param value as TOML gave it
 */
export function quoteValue(value: unknown): string {
  if (typeof value === "string") return quoteText(value);
  if (value instanceof Date) return isNaN(value.getTime()) ? "an invalid date" : `the date ${value.toISOString()}`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a table";
  return String(value);
}

function quoteText(text: string): string {
  // A private key that was pasted in the place of its path must not appear in a log.
  if (/-----BEGIN|PRIVATE KEY/.test(text)) return `PEM text of ${text.length} characters`;
  const shown = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH).replace(/[\uD800-\uDBFF]$/, "") + "…" : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}
