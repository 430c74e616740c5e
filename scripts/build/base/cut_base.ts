/** Cuts Deno's compile base (denort) out of a program that `deno compile` made. */
import { Buffer } from "node:buffer";
import { E_PHNUM, E_PHOFF, E_SHNUM, E_SHOFF, type ElfFile, readElf } from "./elf.ts";

/**
 * What a program's data begin with, where they lie behind the base (Deno 2.7 does so). The base has it as a text, too.
 */
const DATA_MAGIC = "d3n0l4nd";
/** The sections that newer versions of Deno add for the data, and for the program headers, which are moved then. */
const DATA_SECTION = ".note.sui";
const PROGRAM_HEADERS_SECTION = ".sui.phdrs";
/** Where the program headers of the base are: right behind the file header. */
const BASE_PHOFF = 64n;
/** The name of a source file that only the deno command has in it: the parser of its arguments. */
const COMMAND_SOURCE = "cli/args/flags.rs";

/** Deno's base in a file: its bytes, and whether something was cut away for that. */
export interface Base {
  bytes: Uint8Array<ArrayBuffer>;
  wasCut: boolean;
}

/**
 * Finds the base in a file that is denort, or a program that `deno compile` made of it.
 * @param file the whole file, an ELF file by its headers
 * @throws {Error} saying what the file is instead: truncated, the deno command, nothing of Deno's
 */
export function cutBase(file: Uint8Array<ArrayBuffer>, elf: ElfFile): Base {
  if (elf.end > file.length) {
    throw new Error(`it is truncated: ${file.length} bytes, while its section headers end at ${elf.end}`);
  }
  const base = elf.sections.some(({ name }) => name === DATA_SECTION)
    ? withoutDataSections(file, elf)
    : withoutDataBehind(file, elf);
  const text = Buffer.from(base.bytes.buffer, base.bytes.byteOffset, base.bytes.byteLength);
  if (text.includes(COMMAND_SOURCE)) {
    throw new Error("it is the deno command, whose products are the deno command again");
  }
  if (!text.includes(DATA_MAGIC)) throw new Error("it is neither denort nor a program that deno compile made");
  return base;
}

/** Finds the base where it is everything up to the end of the section header table, and the data follow. */
function withoutDataBehind(file: Uint8Array<ArrayBuffer>, { end }: ElfFile): Base {
  if (end === file.length) return { bytes: file, wasCut: false };
  const follows = new TextDecoder().decode(file.subarray(end, end + DATA_MAGIC.length));
  if (follows !== DATA_MAGIC) {
    throw new Error(`it has ${file.length - end} bytes behind its section headers that deno compile did not write`);
  }
  return { bytes: file.slice(0, end), wasCut: true };
}

/**
 * Two sections were added behind the base, and the file header changed to name new tables of program headers and
 * section headers. The base's own tables are still there: the one of the program headers behind the file header, the
 * other where the same section headers are found.
 */
function withoutDataSections(file: Uint8Array<ArrayBuffer>, { sections, tableOffset }: ElfFile): Base {
  const added = sections.filter(({ name }) => name === DATA_SECTION || name === PROGRAM_HEADERS_SECTION);
  const kept = sections.length - added.length;
  // The base's own names of sections lie elsewhere, and so its last header, which tells where, is another.
  const same = Buffer.from(file.subarray(sections[1].headerOffset, sections[kept - 1].headerOffset));
  const found = Buffer.from(file.buffer, file.byteOffset, tableOffset).indexOf(same);
  const headerBytes = sections[1].headerOffset - sections[0].headerOffset;
  const table = found - headerBytes;
  if (found < 0 || added.length !== 2) throw new Error("its base cannot be told from its data");
  const bytes = file.slice(0, table + kept * headerBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(E_PHOFF, BASE_PHOFF, true);
  view.setBigUint64(E_SHOFF, BigInt(table), true);
  view.setUint16(E_PHNUM, view.getUint16(E_PHNUM, true) - added.length, true);
  view.setUint16(E_SHNUM, kept, true);
  const restored = readElf(bytes);
  if (restored?.end !== bytes.length) throw new Error("its base cannot be told from its data");
  return { bytes, wasCut: true };
}
