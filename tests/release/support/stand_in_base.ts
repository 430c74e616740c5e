/**
 * A program for Linux on x64 that says something and ends: stands in for Deno's compile base, which is on no package registry.
 * An ELF header, one program header (elf(5)) and twelve instructions.
 */
export function standInBase(says: string): Uint8Array<ArrayBuffer> {
  const LOADED_AT = 0x400000;
  const CODE = 120;
  const TEXT = 160;
  const text = new TextEncoder().encode(says);
  const file = new Uint8Array(TEXT + text.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(LOADED_AT + CODE), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
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
  return file;
}
