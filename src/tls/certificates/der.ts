/** One element of DER (ITU-T X.690): tag, and the bytes of its value. */
export interface DerElement {
  /** The whole identifier octet, e.g. 0x30 for a SEQUENCE. */
  tag: number;
  value: Uint8Array;
  /** Header and value. */
  bytes: Uint8Array;
}

/**
 * Reads the element at the start of `bytes`.
 *
 * @throws {SyntaxError} where it is cut short, has an indefinite or oversize length, or a tag above 30
 */
export function readDer(bytes: Uint8Array): DerElement {
  if (bytes.length < 2) throw new SyntaxError("Cannot read DER: element is cut short");
  const tag = bytes[0];
  if ((tag & 0x1f) === 0x1f) throw new SyntaxError("Cannot read DER: tag number above 30");
  let length = bytes[1];
  let offset = 2;
  if (length > 0x7f) {
    const count = length & 0x7f;
    // Three octets are 16 MiB, more than any certificate; no octets would be BER's indefinite form.
    if (count < 1 || count > 3 || bytes.length < 2 + count) throw new SyntaxError("Cannot read DER: invalid length");
    length = 0;
    for (; offset < 2 + count; offset++) length = length << 8 | bytes[offset];
  }
  if (bytes.length < offset + length) throw new SyntaxError("Cannot read DER: element is cut short");
  return { tag, value: bytes.subarray(offset, offset + length), bytes: bytes.subarray(0, offset + length) };
}

/**
 * Reads the elements that follow one another in `bytes`, e.g. in the value of a SEQUENCE.
 *
 * @throws {SyntaxError} as {@linkcode readDer}
 */
export function readDerSequence(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const element = readDer(rest);
    elements.push(element);
    rest = rest.subarray(element.bytes.length);
  }
  return elements;
}

/** The dotted form of an OBJECT IDENTIFIER's value. */
export function readObjectIdentifier(value: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of value) {
    // This is no shift, because an arc may exceed 32 bits.
    arc = arc * 128 + (octet & 0x7f);
    if (octet & 0x80) continue;
    if (arcs.length === 0) {
      const root = Math.min(2, Math.floor(arc / 40));
      arcs.push(root, arc - root * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join(".");
}
