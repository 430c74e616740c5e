import type { Address } from "../net/address.ts";
import { runtimeName } from "../runtimes/name.ts";

/** The calls of the operating system that the supervisor makes. */
export interface SocketCalls {
  raiseFileLimit(): number;
  fileLimit(): { soft: number; hard: number };
  sendToUnix(path: string, bytes: Uint8Array<ArrayBuffer>): void;
  monotonicUsec(): bigint;
  listensOn(fd: number, address: Address): boolean;
  /** Whether a program can choose the socket of a connection. Otherwise the kernel's hash of the addresses decides. */
  readonly steers: boolean;
  openFds(): number[];
  newListenerFd(address: { hostname: string; port: number }, openBefore: ReadonlySet<number>): number | undefined;
  setTcpOptions(fd: number): void;
  duplicate(fd: number): number;
  endListening(fd: number): void;
  attachReuseportProgram(fd: number, program: Uint8Array<ArrayBuffer>): void;
  attachFilter(fd: number, program: Uint8Array<ArrayBuffer>): void;
  acceptQueueLength(fd: number): number;
  halfOpen(address: { hostname: string; port: number }): Set<string>;
}

/** Loads the calls of the operating system; `null` on a runtime without FFI. */
export async function loadSocketCalls(): Promise<SocketCalls | null> {
  if (runtimeName() === "node") return null;
  const { libc } = await import("./thread_libc.ts");
  return libc;
}
