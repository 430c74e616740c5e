import type { ProxyHeader } from "./proxy_header.ts";

/** `need-more`: the bytes so far are the beginning of a header. `done`: the first `length` bytes are the header. */
export type ParseResult = { kind: "need-more" } | { kind: "done"; length: number; header: ProxyHeader };

export const NEED_MORE: ParseResult = { kind: "need-more" };
