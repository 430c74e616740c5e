import { type DerElement, readDerSequence, readObjectIdentifier } from "../certificates/der.ts";

const TEXT_TAGS = { utf8: 0x0c, printable: 0x13, teletex: 0x14, ia5: 0x16, universal: 0x1c, bmp: 0x1e } as const;

/** One attribute of a name: its kind, and its value in a form that can be compared. */
interface NameAttribute {
  /** Object identifier. */
  type: string;
  value: string;
}

/** The attributes of each relative name, in the order of the DER. */
export function readRelativeNames(name: DerElement): NameAttribute[][] {
  return readDerSequence(name.value).map((set) =>
    readDerSequence(set.value).map((attribute) => {
      const [type, value] = readDerSequence(attribute.value);
      return { type: readObjectIdentifier(type.value), value: comparable(value) };
    })
  );
}

/**
 * Writes a Name in a form in which equal names are equal texts: RFC 5280 section 7.1 compares without case, and with
 * runs of white space as one, whatever the string's encoding. Ambiguous forms must not help to evade an excluded name.
 */
export function readDistinguishedName(name: DerElement): string {
  return JSON.stringify(readRelativeNames(name).map(comparableRelativeName));
}

/** Writes one relative name as a text. Its attributes are a set, so that their order does not matter. */
export function comparableRelativeName(attributes: NameAttribute[]): string {
  return JSON.stringify(attributes.map(({ type, value }) => [type, value]).sort());
}

function comparable({ tag, value }: DerElement): string {
  const text = decodeText(tag, value);
  if (text === null) return `#${tag}:${Array.from(value).join(" ")}`;
  return text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
}

function decodeText(tag: number, value: Uint8Array): string | null {
  switch (tag) {
    case TEXT_TAGS.utf8:
      return new TextDecoder().decode(value);
    case TEXT_TAGS.bmp:
      return new TextDecoder("utf-16be").decode(value);
    case TEXT_TAGS.printable:
    case TEXT_TAGS.teletex:
    case TEXT_TAGS.ia5:
      return Array.from(value, (byte) => String.fromCharCode(byte)).join("");
    default:
      return null;
  }
}
