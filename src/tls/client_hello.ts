/** The first message of a TLS client, as far as it decides where the connection goes (RFC 8446 section 4.1.2). */

const HANDSHAKE_RECORD = 22;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;
/** Extensions: RFC 6066 section 3, RFC 7301 section 3.1. */
const SERVER_NAME = 0;
const ALPN = 16;
/** RFC 8446 sections 4.2.1, 4.2.3 and 4.2.7. */
const SUPPORTED_VERSIONS = 43;
const TLS12 = 0x0303;
const SIGNATURE_ALGORITHMS = 13;
const SIGNATURE_ALGORITHMS_CERT = 50;
const SUPPORTED_GROUPS = 10;
const ALGORITHMS = [SIGNATURE_ALGORITHMS, SIGNATURE_ALGORITHMS_CERT, SUPPORTED_GROUPS];
const HOST_NAME = 0;

const UTF8 = new TextDecoder();
/** A ClientHello has some two kilobytes since there are post-quantum key shares. */
const FIRST_MESSAGE_BYTES = 2048;

/** Most bytes that are read. */
export const MAX_CLIENT_HELLO_BYTES = 32 * 1024;

/** What a client says in its first message. */
export interface ClientHello {
  /** The server name as it was sent; `null` where the client names no server. */
  serverName: string | null;
  /** Application protocols in the client's order; empty where it offers none. */
  alpn: string[];
  /**
   * Numbers as on the wire, such as 0x0304 for TLS 1.3: supported_versions, else legacy_version alone, which stands for
   * all versions up to it, but for none above TLS 1.2.
   */
  versions: number[];
  // What follows is empty where algorithms are not read.
  /** `SignatureScheme` numbers (RFC 8446 section 4.2.3); `null` where it sends no such extension. */
  signatureAlgorithms: number[] | null;
  /** The same for the signatures of certificates, where these differ. */
  certificateSignatureAlgorithms: number[] | null;
  cipherSuites: number[];
  /** Groups (curves) in the client's order; `null` where it sends no such extension. */
  groups: number[] | null;
}

/**
 * Puts a client's first handshake message together from the first bytes of a connection, however they are divided into
 * records and segments. The work for each byte is constant: a client that sends one byte at a time costs no more than
 * that.
 */
class MessageReader {
  /** Bytes taken so far, record headers included. */
  #taken = 0;
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  #headerBytes = 0;
  /** How many bytes of the present record are still to come. */
  #recordLeft = 0;
  #message = new Uint8Array(FIRST_MESSAGE_BYTES);
  #messageBytes = 0;

  /**
   * Takes the next bytes.
   * @returns the message without its header; `undefined` and `null` as {@linkcode ClientHelloReader.take}
   */
  take(bytes: Uint8Array): Uint8Array | null | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.#recordLeft === 0) {
        const byte = bytes[at++];
        if (this.#headerBytes === 0 && byte !== HANDSHAKE_RECORD) return null;
        this.#header[this.#headerBytes++] = byte;
        if (++this.#taken >= MAX_CLIENT_HELLO_BYTES) return null;
        if (this.#headerBytes < RECORD_HEADER_BYTES) continue;
        this.#headerBytes = 0;
        this.#recordLeft = this.#header[3] << 8 | this.#header[4];
        if (this.#recordLeft === 0) return null;
        continue;
      }
      const part = bytes.subarray(at, at + this.#recordLeft);
      at += part.length;
      this.#taken += part.length;
      this.#recordLeft -= part.length;
      if (this.#taken >= MAX_CLIENT_HELLO_BYTES) return null;
      this.#append(part);
      const message = this.#read();
      if (message !== undefined) return message;
    }
    return undefined;
  }

  #append(part: Uint8Array): void {
    const length = this.#messageBytes + part.length;
    if (length > this.#message.length) {
      const larger = new Uint8Array(Math.max(length, this.#message.length * 2));
      larger.set(this.#message.subarray(0, this.#messageBytes));
      this.#message = larger;
    }
    this.#message.set(part, this.#messageBytes);
    this.#messageBytes = length;
  }

  #read(): Uint8Array | null | undefined {
    const message = this.#message;
    if (message[0] !== CLIENT_HELLO) return null;
    if (this.#messageBytes < MESSAGE_HEADER_BYTES) return undefined;
    const size = message[1] << 16 | message[2] << 8 | message[3];
    if (size > MAX_CLIENT_HELLO_BYTES) return null;
    if (this.#messageBytes < MESSAGE_HEADER_BYTES + size) return undefined;
    return message.subarray(MESSAGE_HEADER_BYTES, MESSAGE_HEADER_BYTES + size);
  }
}

/** The message, without a copy, where `bytes` begin with a record that has all of it, as nearly all clients send it. */
function wholeMessage(bytes: Uint8Array): Uint8Array | null {
  const begin = RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES;
  if (bytes.length < begin || bytes[0] !== HANDSHAKE_RECORD || bytes[5] !== CLIENT_HELLO || bytes[6] !== 0) return null;
  const size = bytes[7] << 8 | bytes[8];
  const recordEnd = RECORD_HEADER_BYTES + (bytes[3] << 8 | bytes[4]);
  const end = begin + size;
  if (end > recordEnd || recordEnd > bytes.length || recordEnd >= MAX_CLIENT_HELLO_BYTES) return null;
  return bytes.subarray(begin, end);
}

/** Reads a ClientHello from the first bytes of a connection, as they come. */
export class ClientHelloReader {
  private readonly algorithms: boolean;
  /** Made for a message that comes in pieces. */
  private message: MessageReader | null = null;

  /** @param algorithms whether to read the lists of algorithms, by which one of several certificates is chosen */
  constructor({ algorithms }: { algorithms: boolean }) {
    this.algorithms = algorithms;
  }

  /**
   * Takes the next bytes.
   * @returns `undefined` while the message is not complete; `null` where the bytes are no ClientHello, or one of
   * {@linkcode MAX_CLIENT_HELLO_BYTES} or more: a handshake with such a client fails, and says why. After any other
   * answer than `undefined` there is nothing more to take
   */
  take(bytes: Uint8Array): ClientHello | null | undefined {
    const whole = this.message === null ? wholeMessage(bytes) : null;
    const message = whole ?? (this.message ??= new MessageReader()).take(bytes);
    if (message === undefined || message === null) return message;
    try {
      return parse(new Reader(message), this.algorithms);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }
}

/** The body of the first handshake message; `undefined` and `null` as {@linkcode ClientHelloReader.take}. */
export function readHandshake(bytes: Uint8Array): Uint8Array | null | undefined {
  return new MessageReader().take(bytes);
}

function parse(message: Reader, algorithms: boolean): ClientHello {
  const legacyVersion = message.uint16();
  message.skip(32); // random
  message.skip(message.uint8()); // legacy_session_id
  const cipherSuites = message.part(message.uint16());
  const hello: ClientHello = {
    serverName: null,
    alpn: [],
    // A later version is negotiated by the extension alone (RFC 8446 section 4.2.1, RFC 5246 appendix E.1).
    versions: [Math.min(legacyVersion, TLS12)],
    signatureAlgorithms: null,
    certificateSignatureAlgorithms: null,
    cipherSuites: algorithms ? readNumbers(cipherSuites) : [],
    groups: null,
  };
  message.skip(message.uint8()); // legacy_compression_methods
  if (message.left === 0) return hello;
  const extensions = message.part(message.uint16());
  while (extensions.left > 0) {
    const type = extensions.uint16();
    const length = extensions.uint16();
    if (
      type === SERVER_NAME || type === ALPN || type === SUPPORTED_VERSIONS || (algorithms && ALGORITHMS.includes(type))
    ) {
      readExtension(hello, type, extensions.part(length));
    } else extensions.skip(length);
  }
  return hello;
}

function readExtension(hello: ClientHello, type: number, extension: Reader): void {
  if (type === SERVER_NAME) hello.serverName ??= readHostName(extension);
  else if (type === ALPN) hello.alpn = readProtocols(extension);
  else if (type === SUPPORTED_VERSIONS) hello.versions = readNumbers(extension.part(extension.uint8()));
  else {
    const numbers = readNumbers(extension.part(extension.uint16()));
    if (type === SIGNATURE_ALGORITHMS) hello.signatureAlgorithms = numbers;
    else if (type === SIGNATURE_ALGORITHMS_CERT) hello.certificateSignatureAlgorithms = numbers;
    else hello.groups = numbers;
  }
}

function readHostName(extension: Reader): string | null {
  const names = extension.part(extension.uint16());
  while (names.left > 0) {
    const kind = names.uint8();
    const name = names.part(names.uint16());
    if (kind === HOST_NAME) return name.ascii();
  }
  return null;
}

function readNumbers(list: Reader): number[] {
  const numbers: number[] = [];
  while (list.left > 0) numbers.push(list.uint16());
  return numbers;
}

function readProtocols(extension: Reader): string[] {
  const list = extension.part(extension.uint16());
  const protocols: string[] = [];
  while (list.left > 0) protocols.push(list.part(list.uint8()).utf8());
  return protocols;
}

/** Reads the fields of a message one after the other. Throws a RangeError past the end. */
export class Reader {
  private at: number;
  private readonly all: Uint8Array;
  private readonly end: number;

  /** @param end where the message ends in `all`, which has no copy of it, and no view, as each connection needs many */
  constructor(all: Uint8Array, at = 0, end = all.length) {
    this.all = all;
    this.at = at;
    this.end = end;
  }

  /** What has not been read. */
  get bytes(): Uint8Array {
    return this.all.subarray(this.at, this.end);
  }

  get left(): number {
    return this.end - this.at;
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw new RangeError("Cannot read ClientHello: it is cut");
    this.at += length;
  }

  uint8(): number {
    this.skip(1);
    return this.all[this.at - 1];
  }

  uint16(): number {
    this.skip(2);
    return this.all[this.at - 2] << 8 | this.all[this.at - 1];
  }

  part(length: number): Reader {
    this.skip(length);
    return new Reader(this.all, this.at - length, this.at);
  }

  ascii(): string {
    let text = "";
    for (let at = this.at; at < this.end; at++) text += String.fromCharCode(this.all[at]);
    return text;
  }

  utf8(): string {
    return UTF8.decode(this.bytes);
  }
}
