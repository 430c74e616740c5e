import type { ProxyHeader } from "./proxy_header.ts";

/** `need-more`: all so far is the beginning of a header. `done`: the header is the first `length` bytes. */
export type ParseResult = { kind: "need-more" } | { kind: "done"; length: number; header: ProxyHeader };

export const NEED_MORE: ParseResult = { kind: "need-more" };
