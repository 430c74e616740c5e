/** The first message of a TLS client, as far as the server name goes (RFC 8446 section 4.1.2, RFC 6066 section 3). */

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** A ClientHello of some two kilobytes is usual since post-quantum key shares; this is what is looked at, at most. */
export const MAX_CLIENT_HELLO_BYTES = 32 * 1024;

/**
 * Reads the server name out of the first bytes of a connection.
 * @returns `undefined` while it may be in what has not come yet; `null` where there is none, or the bytes are no
 * ClientHello: whoever shakes hands afterwards finds that out as well
 */
export function readServerName(bytes: Uint8Array): string | null | undefined {
  const message = readHandshake(bytes);
  if (message === undefined || message === null) return message;
  try {
    return findServerName(new Reader(message));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * The body of the first handshake message, put together from its records; `undefined` and `null` as in {@linkcode
 * readServerName}.
 */
export function readHandshake(bytes: Uint8Array): Uint8Array | null | undefined {
  const parts: Uint8Array[] = [];
  let have = 0;
  for (let at = 0;;) {
    if (bytes.length >= MAX_CLIENT_HELLO_BYTES) return null;
    if (at < bytes.length && bytes[at] !== HANDSHAKE_RECORD) return null;
    if (bytes.length < at + 5) return undefined;
    const length = bytes[at + 3] << 8 | bytes[at + 4];
    if (length === 0) return null;
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    have += parts.at(-1)!.length;
    at += 5 + length;
    const message = parts.length === 1 ? parts[0] : concatenate(parts, have);
    if (message.length > 0 && message[0] !== CLIENT_HELLO) return null;
    if (message.length >= 4) {
      const size = message[1] << 16 | message[2] << 8 | message[3];
      if (size > MAX_CLIENT_HELLO_BYTES) return null;
      if (message.length >= 4 + size) return message.subarray(4, 4 + size);
    }
    if (bytes.length < at) return undefined;
  }
}

function findServerName(hello: Reader): string | null {
  hello.skip(2 + 32); // legacy_version, random
  hello.skip(hello.uint8()); // legacy_session_id
  hello.skip(hello.uint16()); // cipher_suites
  hello.skip(hello.uint8()); // legacy_compression_methods
  if (hello.left === 0) return null;
  const extensions = hello.part(hello.uint16());
  while (extensions.left > 0) {
    const type = extensions.uint16();
    const extension = extensions.part(extensions.uint16());
    if (type !== SERVER_NAME) continue;
    const names = extension.part(extension.uint16());
    while (names.left > 0) {
      const kind = names.uint8();
      const name = names.part(names.uint16());
      if (kind === HOST_NAME) return name.ascii();
    }
    return null;
  }
  return null;
}

function concatenate(parts: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads TLS structures; each method throws a RangeError past the end. */
export class Reader {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.#at;
  }

  skip(length: number): void {
    if (length > this.left) throw new RangeError("Cannot read ClientHello: it is cut");
    this.#at += length;
  }

  uint8(): number {
    this.skip(1);
    return this.bytes[this.#at - 1];
  }

  uint16(): number {
    return this.uint8() << 8 | this.uint8();
  }

  part(length: number): Reader {
    this.skip(length);
    return new Reader(this.bytes.subarray(this.#at - length, this.#at));
  }

  ascii(): string {
    return String.fromCharCode(...this.bytes.subarray(this.#at));
  }
}
