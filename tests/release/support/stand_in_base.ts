import { Buffer } from "node:buffer";

/** What is in every base of Deno, as a text: programs find their data by it. */
const DATA_MAGIC = "d3n0l4nd";
const SECTION_NAMES = "\0.text\0.shstrtab\0";
const SECTION_HEADER_BYTES = 64;

/**
 * A program for Linux on x64 that says something and ends: stands in for Deno's compile base. An ELF header, one
 * program header, twelve instructions, and three section headers at the end, as linkers write them (elf(5)).
 */
export function standInBase(says: string): Uint8Array<ArrayBuffer> {
  const LOADED_AT = 0x400000;
  const CODE = 120;
  const TEXT = 160;
  const text = new TextEncoder().encode(says);
  const names = new TextEncoder().encode(SECTION_NAMES + DATA_MAGIC);
  const namesAt = TEXT + text.length;
  const tableAt = Math.ceil((namesAt + names.length) / 8) * 8;
  const file = new Uint8Array(tableAt + 3 * SECTION_HEADER_BYTES);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(LOADED_AT + CODE), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setBigUint64(40, BigInt(tableAt), true); // e_shoff
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true); // e_phnum
  view.setUint16(58, SECTION_HEADER_BYTES, true);
  view.setUint16(60, 3, true); // e_shnum
  view.setUint16(62, 2, true); // e_shstrndx
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 5, true); // readable, executable
  view.setBigUint64(80, BigInt(LOADED_AT), true);
  view.setBigUint64(88, BigInt(LOADED_AT), true);
  view.setBigUint64(96, BigInt(file.length), true);
  view.setBigUint64(104, BigInt(file.length), true);
  view.setBigUint64(112, 0x1000n, true);
  // mov eax, 1 (write); mov edi, 1; mov esi, text; mov edx, length; syscall; mov eax, 60 (exit); xor edi, edi; syscall
  file.set([0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0xbe], CODE);
  view.setUint32(CODE + 11, LOADED_AT + TEXT, true);
  file[CODE + 15] = 0xba;
  view.setUint32(CODE + 16, text.length, true);
  file.set([0x0f, 0x05, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05], CODE + 20);
  file.set(text, TEXT);
  file.set(names, namesAt);
  const section = (index: number, name: number, type: number, offset: number, size: number) => {
    const header = tableAt + index * SECTION_HEADER_BYTES;
    view.setUint32(header, name, true);
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 24, BigInt(offset), true);
    view.setBigUint64(header + 32, BigInt(size), true);
    view.setBigUint64(header + 48, 1n, true);
  };
  section(1, 1, 1, CODE, TEXT - CODE); // SHT_PROGBITS
  section(2, 7, 3, namesAt, SECTION_NAMES.length); // SHT_STRTAB
  return file;
}

/** A program that `deno compile` of Deno 2.7 would make of a base: the program's data lie behind it. */
export function standInProgram(base: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([base, Buffer.from(`${DATA_MAGIC}\x10\0\0\0\0\0\0\0{"argv":[]}`)]));
}
