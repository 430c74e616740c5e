/** The runtime of the program under test: which tests it can pass, and which need to be run on it at all. */
import { describeShortfall, judgeRuntime } from "../../../src/runtimes/floors.ts";
import type { EngineName, RuntimeName } from "../../../src/runtimes/name.ts";
import { type Peer, peerTest } from "../peers/peers.ts";
import { programCommand } from "./program.ts";

/** What the binary that TLS_OFF_BIN names says of itself; `null`: the program is tested from source. */
const BINARY = askBinary();

function askBinary(): { runtime: RuntimeName; version: string } | null {
  if ((Deno.env.get("TLS_OFF_BIN") ?? "") === "") return null;
  const [command, ...args] = programCommand();
  const { stdout } = new Deno.Command(command, { args: [...args, "version"], stdin: "null" }).outputSync();
  const text = new TextDecoder().decode(stdout);
  const [, runtime, version] = /^runtime (deno|bun|node) (\S+)$/m.exec(text) ?? [];
  if (runtime === undefined) throw new Error(`The binary "${command}" does not tell its runtime: ${text}`);
  return { runtime: runtime as RuntimeName, version };
}

/** What the program under test needs for an engine and does not have; `null`: it has all. */
function shortfall(engine: EngineName): string | null {
  if (BINARY === null) return null;
  const { runtime, version } = BINARY;
  return judgeRuntime([engine], runtime, version).refusal === null ? null : describeShortfall(runtime, version);
}

/**
 * Those of some engines on runtimes that this run is about: all of them from source, else those of the binary's
 * runtime, as the others are the same as from source. What is older than its floor is skipped by name.
 */
export function contenders<One extends { runtime: RuntimeName; engine: EngineName }>(all: readonly One[]): One[] {
  return all.filter(({ runtime, engine }) => {
    if (BINARY === null) return true;
    if (runtime !== BINARY.runtime) return false;
    const lack = shortfall(engine);
    if (lack !== null) Deno.test({ name: `tests of ${engine} on ${runtime} [needs ${lack}]`, ignore: true, fn() {} });
    return lack === null;
  });
}

/** The runtimes that this run is about, as {@linkcode contenders}. */
export function runtimesUnderTest<One extends RuntimeName>(all: readonly One[]): One[] {
  return all.filter((runtime) => BINARY === null || runtime === BINARY.runtime);
}

/**
 * Registers a test whose listeners get an engine. It is skipped by name where the runtime of the binary under test is
 * older than the floor of that engine.
 *
 * @param peers programs of other people that it needs
 */
export function engineTest(engine: EngineName, name: string, peers: Peer[], run: () => Promise<void>): void {
  const lack = shortfall(engine);
  if (lack === null) peerTest(name, peers, run);
  else Deno.test({ name: `${name} [needs ${lack}]`, ignore: true, fn() {} });
}

/**
 * Registers a test of what the program says where all is well. It is skipped by name where the binary under test is on
 * a runtime below its floor, since it says that, too.
 */
export function floorTest(name: string, run: () => Promise<void>): void {
  const lack = BINARY === null ? null : describeShortfall(BINARY.runtime, BINARY.version);
  if (lack === null) Deno.test(name, run);
  else Deno.test({ name: `${name} [needs ${lack}]`, ignore: true, fn() {} });
}
