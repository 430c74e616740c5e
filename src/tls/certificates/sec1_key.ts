import { type DerElement, readDer, readDerSequence, readObjectIdentifier } from "./der.ts";
import { readPem, writePem } from "./pem.ts";

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const SEQUENCE = 0x30;
/** The element `parameters` of ECPrivateKey. */
const PARAMETERS = 0xa0;

/**
 * Unwraps the key of an elliptic curve: PKCS #8 (RFC 5958) has the form of SEC 1 (RFC 5915) inside, but for the name of
 * the curve. What holds any other key is returned as it is.
 * @param pem PKCS #8, not encrypted
 */
export function toSec1(pem: string): string {
  const [{ label, der }] = readPem(pem);
  if (label !== "PRIVATE KEY") return pem;
  const [, algorithm, { value: wrapped }] = readDerSequence(readDer(der).value);
  const [name, curve] = readDerSequence(algorithm.value);
  if (readObjectIdentifier(name.value) !== EC_PUBLIC_KEY) return pem;
  const [version, key, ...rest] = readDerSequence(readDer(wrapped).value);
  const others = rest.filter(({ tag }) => tag !== PARAMETERS);
  const parameters = writeDer(PARAMETERS, [curve]);
  return writePem("EC PRIVATE KEY", writeDer(SEQUENCE, [version, key, { bytes: parameters }, ...others]));
}

function writeDer(tag: number, elements: Pick<DerElement, "bytes">[]): Uint8Array {
  const length = elements.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const header = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  const der = new Uint8Array(header.length + length);
  der.set(header);
  let at = header.length;
  for (const { bytes } of elements) {
    der.set(bytes, at);
    at += bytes.length;
  }
  return der;
}
