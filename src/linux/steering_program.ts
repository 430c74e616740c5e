/** The classic BPF programs that steer connections between listening sockets (linux/filter.h, bpf_common.h). */

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];

const LOAD_WORD_ABSOLUTE = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_SCRATCH = 0x60; // BPF_LD | BPF_MEM
const STORE_SCRATCH = 0x02; // BPF_ST
const COPY_TO_X = 0x07; // BPF_MISC | BPF_TAX
const MULTIPLY = 0x24; // BPF_ALU | BPF_MUL | BPF_K
const SHIFT_RIGHT = 0x74; // BPF_ALU | BPF_RSH | BPF_K
const EXCLUSIVE_OR = 0xa4; // BPF_ALU | BPF_XOR | BPF_K
const EXCLUSIVE_OR_X = 0xac; // BPF_ALU | BPF_XOR | BPF_X
const JUMP = 0x05; // BPF_JMP | BPF_JA
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const LOAD_BYTE_ABSOLUTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const MODULO = 0x94; // BPF_ALU | BPF_MOD | BPF_K
const JUMP_IF_GREATER_OR_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const JUMP_IF_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** SKF_AD_OFF + SKF_AD_RANDOM: reads a random word. */
const RANDOM = 0xfffff000 + 56;
/** SKF_AD_OFF + SKF_AD_PROTOCOL: the EtherType, which tells IPv4 from IPv6, on a socket for both as well. */
const PROTOCOL = 0xfffff000;
const ETHERTYPE_IPV4 = 0x0800;
/** SKF_NET_OFF: offsets from here are in the IP header. */
const IP_HEADER = 0xfff00000;
const IPV4_SOURCE_OFFSET = 12;
const IPV6_SOURCE_OFFSET = 8;
const TCP_FLAGS_OFFSET = 13;
const SYN = 0x02;

/** How many choices one program has at most. BPF_MAXINSNS is 4096, and a choice takes two instructions. */
const MAX_CHOICES = 2000;

/** A socket of a group, and how often it is chosen in relation to the others. */
export interface Choice {
  index: number;
  /** A positive integer. */
  weight: number;
}

/**
 * Makes a program that returns one of the numbers at random, each as often as its weight says. It chooses at random and
 * not by a hash of the addresses, so that no client can choose its worker.
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

/** The key of the hash of clients' addresses: five random 32-bit words. */
export type HashKey = readonly [number, number, number, number, number];

/** Makes a random key. */
export function makeHashKey(): HashKey {
  return Array.from(crypto.getRandomValues(new Uint32Array(5))) as unknown as HashKey;
}

/**
 * Makes a program that returns the number which the bucket of the client's address belongs to. The bucket is chosen by
 * a hash of the whole IPv4 address, or of the /64 of an IPv6 address. The hash is keyed, so that no one outside can
 * know which addresses share a worker.
 * @param owners the number that each bucket belongs to; a power of two of them, at least two
 */
export function clientProgram(owners: readonly number[], key: HashKey): Uint8Array<ArrayBuffer> {
  const bits = Math.log2(owners.length);
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    throw new RangeError(`Cannot make a program of ${owners.length} buckets: must be a power of two, 2 to 65536`);
  }
  const [first, second, third, ...multipliers] = key;
  const mixed = mix(multipliers);
  const ipv6: Instruction[] = [
    [LOAD_WORD_ABSOLUTE, 0, 0, IP_HEADER + IPV6_SOURCE_OFFSET],
    [EXCLUSIVE_OR, 0, 0, second],
    ...mixed,
    [STORE_SCRATCH, 0, 0, 0],
    [LOAD_WORD_ABSOLUTE, 0, 0, IP_HEADER + IPV6_SOURCE_OFFSET + 4],
    [EXCLUSIVE_OR, 0, 0, third],
    [COPY_TO_X, 0, 0, 0],
    [LOAD_SCRATCH, 0, 0, 0],
    [EXCLUSIVE_OR_X, 0, 0, 0],
  ];
  return assemble([
    [LOAD_WORD_ABSOLUTE, 0, 0, PROTOCOL],
    [JUMP_IF_EQUAL, 0, 3, ETHERTYPE_IPV4],
    [LOAD_WORD_ABSOLUTE, 0, 0, IP_HEADER + IPV4_SOURCE_OFFSET],
    [EXCLUSIVE_OR, 0, 0, first],
    [JUMP, 0, 0, ipv6.length],
    ...ipv6,
    ...mixed,
    [SHIFT_RIGHT, 0, 0, 32 - bits],
    ...chooseBucket(owners, 0, owners.length),
  ]);
}

/** Makes every bit of the accumulator depend on every other one, by multiplications by odd numbers and shifts. */
function mix([first, second]: readonly number[]): Instruction[] {
  const fold = (bits: number): Instruction[] => [
    [COPY_TO_X, 0, 0, 0],
    [SHIFT_RIGHT, 0, 0, bits],
    [EXCLUSIVE_OR_X, 0, 0, 0],
  ];
  return [
    ...fold(16),
    [MULTIPLY, 0, 0, (first | 1) >>> 0],
    ...fold(15),
    [MULTIPLY, 0, 0, (second | 1) >>> 0],
    ...fold(16),
  ];
}

/** Returns `owners[accumulator]` for accumulators from `from` to `to`, by bisection. */
function chooseBucket(owners: readonly number[], from: number, to: number): Instruction[] {
  const owner = owners[from];
  if (owners.slice(from, to).every((one) => one === owner)) return [[RETURN, 0, 0, owner]];
  const middle = (from + to) >> 1;
  const lower = chooseBucket(owners, from, middle);
  const upper = chooseBucket(owners, middle, to);
  // A conditional jump reaches 255 instructions, an unconditional one reaches any.
  return [[JUMP_IF_GREATER_OR_EQUAL, 0, 1, middle], [JUMP, 0, 0, lower.length], ...lower, ...upper];
}

/** Makes a filter for a listening socket that drops what would begin a connection. Handshakes under way can end. */
export function refuseNewProgram(): Uint8Array<ArrayBuffer> {
  return assemble([
    [LOAD_BYTE_ABSOLUTE, 0, 0, TCP_FLAGS_OFFSET],
    [JUMP_IF_BIT, 0, 1, SYN],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffffffff],
  ]);
}

/**
 * Writes instructions as struct sock_filter: u16 code, u8 jt, u8 jf, u32 k, all little-endian (x86-64 and arm64 are).
 */
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
