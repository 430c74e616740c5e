import type { Address } from "../net/address.ts";
import { runtimeName } from "../runtimes/name.ts";

/** The calls into the operating system that the supervisor makes; {@linkcode Libc} has them. */
export interface SocketCalls {
  raiseFileLimit(): number;
  fileLimit(): { soft: number; hard: number };
  sendToUnix(path: string, bytes: Uint8Array<ArrayBuffer>): void;
  monotonicUsec(): bigint;
  listensOn(fd: number, address: Address): boolean;
  /** Whether the kernel can be told who gets a connection; otherwise its hash of the addresses decides. */
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
  trimMemory(): void;
}

/** The operating system's calls on sockets, or `null` on a runtime that cannot reach them. */
export async function loadSocketCalls(): Promise<SocketCalls | null> {
  // No FFI there.
  if (runtimeName() === "node") return null;
  const { libc } = await import("./thread_libc.ts");
  return libc;
}
