/** The binary that TLS_OFF_BIN names, and what a test has to know of it before it runs. */
import { resolve } from "node:path";
import { readElf } from "../../../scripts/build/base/elf.ts";
import { HOST, productCommand, TARGETS } from "../../../scripts/build/target.ts";

/** How long `version` takes the slower of the binaries without an emulator. */
const USUAL_MS = 60;
const MOST_TIMES = 100;

interface Binary {
  /** What runs it, without arguments. */
  command: string[];
  isEmulated: boolean;
}

let binary: Binary | null | undefined;
let measured: number | undefined;

/**
 * `null`: the program is tested from source. A binary for another machine runs in an emulator; a script is taken as it
 * is.
 */
export function binaryUnderTest(): Binary | null {
  return binary ??= find(Deno.env.get("TLS_OFF_BIN") ?? "");
}

function find(name: string): Binary | null {
  if (name === "") return null;
  const path = resolve(name);
  const machine = readElf(Deno.readFileSync(path))?.machine;
  const target = TARGETS.find(({ name }) => name === machine);
  if (target === undefined) return { command: [path], isEmulated: false };
  return { command: productCommand(path, target), isEmulated: target.name !== HOST };
}

/**
 * How many times longer the program under test takes in its emulator; 1 without one. It is measured when it is needed
 * first. Limits of time are multiplied by it: those of tests, and those of the program that a test does not mean.
 */
export function slowness(): number {
  return measured ??= measure();
}

function measure(): number {
  const { command, isEmulated } = binaryUnderTest() ?? { command: [], isEmulated: false };
  if (!isEmulated) return 1;
  const [file, ...args] = command;
  const start = performance.now();
  const { success, stderr } = new Deno.Command(file, { args: [...args, "version"] }).outputSync();
  if (!success) throw new Error(`Cannot run ${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return Math.min(MOST_TIMES, Math.max(1, (performance.now() - start) / USUAL_MS));
}
