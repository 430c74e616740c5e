/** Reads as much of an ELF file (elf(5); 64 bits, little-endian) as the build needs: where its parts end. */
import { TARGETS } from "../target.ts";

/** Bytes of the file header, and of one section header. */
const HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;

/** Places of fields in the file header. */
export const E_MACHINE = 18;
export const E_PHOFF = 32;
export const E_SHOFF = 40;
export const E_PHNUM = 56;
const E_SHENTSIZE = 58;
export const E_SHNUM = 60;
const E_SHSTRNDX = 62;

/** One section, by its header. */
export interface Section {
  name: string;
  /** Where its bytes are in the file. */
  offset: number;
  /** Where its header is in the file. */
  headerOffset: number;
}

/** What the headers of an ELF file say. */
export interface ElfFile {
  /** The machine that it is for; `null` for one that no binaries are made for. */
  machine: string | null;
  /** Where the section header table begins. */
  tableOffset: number;
  /** The end of the section header table, which linkers write last. Past the end of a file that was truncated. */
  end: number;
  sections: Section[];
}

/** Reads the headers of an ELF file; `null` for anything else than one of 64 bits and little-endian. */
export function readElf(file: Uint8Array): ElfFile | null {
  if (file.length < HEADER_BYTES) return null;
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
  if (magic.some((byte, index) => file[index] !== byte)) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const machine = TARGETS.find((target) => target.machine === view.getUint16(E_MACHINE, true))?.name ?? null;
  const tableOffset = Number(view.getBigUint64(E_SHOFF, true));
  const count = view.getUint16(E_SHNUM, true);
  const end = tableOffset + view.getUint16(E_SHENTSIZE, true) * count;
  return { machine, tableOffset, end, sections: end > file.length ? [] : readSections(file, tableOffset, count) };
}

function readSections(file: Uint8Array, tableOffset: number, count: number): Section[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Array.from({ length: count }, (_, index) => tableOffset + index * SECTION_HEADER_BYTES);
  const offsetOf = (header: number) => Number(view.getBigUint64(header + 24, true));
  const namesHeader = headers[view.getUint16(E_SHSTRNDX, true)];
  if (namesHeader === undefined) return [];
  const names = offsetOf(namesHeader);
  return headers.map((header) => {
    const start = names + view.getUint32(header, true);
    const end = file.indexOf(0, start);
    return {
      name: new TextDecoder().decode(file.subarray(start, end)),
      offset: offsetOf(header),
      headerOffset: header,
    };
  });
}
