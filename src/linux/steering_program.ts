/** The classic BPF programs that steer connections between listening sockets (linux/filter.h, bpf_common.h). */

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];

const LOAD_WORD_ABSOLUTE = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_BYTE_ABSOLUTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const MODULO = 0x94; // BPF_ALU | BPF_MOD | BPF_K
const JUMP_IF_GREATER_OR_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const JUMP_IF_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** SKF_AD_OFF + SKF_AD_RANDOM: reads a random word. */
const RANDOM = 0xfffff000 + 56;
const TCP_FLAGS_OFFSET = 13;
const SYN = 0x02;

/** Choices that one program can hold: BPF_MAXINSNS is 4096, and a choice takes two. */
const MAX_CHOICES = 2000;

/** One member of a group, and how often it shall be chosen in relation to the others. */
export interface Choice {
  index: number;
  /** A positive integer. */
  weight: number;
}

/**
 * A program that answers one of the numbers at random, each as often as its weight says. At random, and not by a hash of the
 * addresses: nobody can aim at one worker.
 */
export function chooseProgram(choices: readonly Choice[]): Uint8Array<ArrayBuffer> {
  if (choices.length === 0 || choices.length > MAX_CHOICES) {
    throw new RangeError(`Cannot make a program of ${choices.length} choices: must be 1 to ${MAX_CHOICES}`);
  }
  const program: Instruction[] = [];
  if (choices.length > 1) {
    const total = choices.reduce((sum, { weight }) => sum + weight, 0);
    program.push([LOAD_WORD_ABSOLUTE, 0, 0, RANDOM], [MODULO, 0, 0, total]);
    let bound = 0;
    for (const { index, weight } of choices.slice(0, -1)) {
      bound += weight;
      program.push([JUMP_IF_GREATER_OR_EQUAL, 1, 0, bound], [RETURN, 0, 0, index]);
    }
  }
  program.push([RETURN, 0, 0, choices.at(-1)!.index]);
  return assemble(program);
}

/** A filter for a listening socket that drops whatever would begin a connection, and lets handshakes under way end. */
export function refuseNewProgram(): Uint8Array<ArrayBuffer> {
  return assemble([
    [LOAD_BYTE_ABSOLUTE, 0, 0, TCP_FLAGS_OFFSET],
    [JUMP_IF_BIT, 0, 1, SYN],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffffffff],
  ]);
}

/** struct sock_filter, one after the other: u16 code, u8 jt, u8 jf, u32 k, in the machine's order (all ours are little-endian). */
function assemble(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, ifTrue, ifFalse, k], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, k, true);
  });
  return bytes;
}
