import { Buffer } from "node:buffer";

/** One block of a PEM file (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY` … */
  label: string;
  /** Lines in front of the base64, such as `Proc-Type: 4,ENCRYPTED` (RFC 1421), where `der` is ciphertext. */
  headers: string;
  der: Uint8Array;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads the blocks of a PEM file. Text around them, such as `openssl x509 -text` prints, is ignored.
 *
 * @throws {SyntaxError} where a block does not end, or is not base64
 */
export function readPem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; headers: string; base64: string } | null = null;
  for (const rawLine of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const line = rawLine.trim();
    const which = () => `block ${blocks.length + 1} ("${open?.label}")`;
    const boundary = /^-----(BEGIN|END) (.{1,64})-----$/.exec(line);
    if (boundary?.[1] === "BEGIN") {
      if (open) throw new SyntaxError(`${which()} is cut short: the next begins before its "-----END" line`);
      open = { label: boundary[2], headers: "", base64: "" };
    } else if (!open) continue;
    else if (boundary) {
      if (boundary[2] !== open.label) throw new SyntaxError(`${which()} ends as "${boundary[2]}"`);
      if (!BASE64.test(open.base64)) throw new SyntaxError(`${which()} is not base64`);
      const der = Uint8Array.from(Buffer.from(open.base64, "base64"));
      blocks.push({ label: open.label, headers: open.headers, der });
      open = null;
    } // No base64 line has a colon, and only legacy keys have headers.
    else if (line.includes(":")) open.headers += `${line}\n`;
    else open.base64 += line;
  }
  if (open) throw new SyntaxError(`block ${blocks.length + 1} ("${open.label}") is cut short: no "-----END" line`);
  return blocks;
}

/** Writes one block in lines of 64 characters, behind header lines where there are any. */
export function writePem(label: string, der: Uint8Array, headers = ""): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${headers && `${headers}\n`}${lines.join("\n")}\n-----END ${label}-----\n`;
}
