/**
 * Whether the tests run with the original packages of `@std` instead of their equivalents, by the task `test:std`. What
 * the originals alone do otherwise is skipped by name then.
 */
export const ORIGINAL_STD = Deno.env.has("TLS_OFF_STD");
