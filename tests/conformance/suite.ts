/**
 * What every engine on every runtime has to do, in one suite: the real program, started as that runtime starts it, and
 * looked at from outside. What an engine lacks it has to refuse, and that is asserted in the place of the feature.
 */
import { CAPABILITIES, type Feature } from "../../src/tls/capabilities.ts";
import { type Program, runProgram } from "../support/proxies/program.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxies/proxy.ts";
import { type Peer, peerTest } from "../support/peers/peers.ts";
import { type Contender, runtimeCommand } from "../support/proxies/runtimes.ts";
import { certificateCases, clientSessionCases, revocationCases, serverCertificateCases } from "./certificate_cases.ts";
import { dataCases } from "./data_cases.ts";
import { endingCases } from "./ending_cases.ts";
import { faultCases } from "./fault_cases.ts";
import { identityCases } from "./identity_cases.ts";
import { keyExchangeCases } from "./key_exchange_cases.ts";
import { leavingCases } from "./leaving_cases.ts";
import { limitCases } from "./limit_cases.ts";
import { routeCases } from "./route_cases.ts";
import { slowCases } from "./slow_cases.ts";
import { tlsCases } from "./tls_cases.ts";

const CASE_TIMEOUT_MS = 60_000;

/** What the cases get. */
export interface Bench {
  contender: Contender;
  /** Whether the engine has a feature; if not, it has to refuse it. */
  has(feature: Feature): boolean;
  /** Registers a case under the contender's name. */
  test(behaviour: string, run: (dir: TempDir) => Promise<void>): void;
  /** The same for a case that needs programs of others, such as openssl. */
  peerTest(behaviour: string, peers: Peer[], run: (dir: TempDir) => Promise<void>): void;
  start(dir: TempDir, backend: string | string[], options?: ProxyOptions): Promise<Proxy>;
  /** What `run` says of a configuration that it refuses, and its exit code. */
  refusal(dir: TempDir, listener: Record<string, unknown>): Promise<{ code: number; lines: string[] }>;
}

/** What the cases of one contender get. */
export function createBench(contender: Contender): Bench {
  const { runtime, engine } = contender;
  const lacks = CAPABILITIES[runtime][engine];
  if (lacks === null) throw new RangeError(`${runtime} has no engine "${engine}"`);
  const bench: Bench = {
    contender,
    has: (feature) => lacks[feature] === undefined,
    test: (behaviour, run) =>
      Deno.test(`${engine} on ${runtime} ${behaviour}`, async () => {
        using dir = new TempDir();
        await inTime(run(dir));
      }),
    peerTest: (behaviour, peers, run) =>
      peerTest(`${engine} on ${runtime} ${behaviour}`, peers, async () => {
        using dir = new TempDir();
        await inTime(run(dir));
      }),
    start: async (dir, backend, options = {}) =>
      await Proxy.start(dir, backend, {
        ...options,
        command: await runtimeCommand(runtime),
        listener: { engine, ...options.listener },
      }),
    refusal: async (dir, listener) => {
      const file = dir.file("refused.toml");
      const { stringify } = await import("@std/toml");
      Deno.writeTextFileSync(
        file,
        stringify({ workers: 1, listener: [{ listen: "127.0.0.1:0", backend: "unix:x", engine, ...listener }] }),
      );
      const { code, complaints, records } = await runProgram(["run", file], { command: await runtimeCommand(runtime) });
      return { code, lines: [...complaints, ...records.map(({ msg }) => msg)] };
    },
  };
  return bench;
}

/** Registers the whole suite for one contender. */
export function conformance(contender: Contender): void {
  const bench = createBench(contender);
  dataCases(bench);
  faultCases(bench);
  limitCases(bench);
  endingCases(bench);
  slowCases(bench);
  leavingCases(bench);
  tlsCases(bench);
  identityCases(bench);
  routeCases(bench);
  certificateCases(bench);
  serverCertificateCases(bench);
  clientSessionCases(bench);
  revocationCases(bench);
  keyExchangeCases(bench);
}

/** Lets a case that hangs fail, so that it does not hang the suite. */
async function inTime(running: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Case did not end within ${CASE_TIMEOUT_MS} ms`)), CASE_TIMEOUT_MS);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The record of the only connection. */
export function connectionRecord(program: Program) {
  return program.record(({ event }) => event === "connection", "record of the connection");
}
