import { readFileSync } from "node:fs";
import type { Address } from "../../net/address.ts";
import { ConnError } from "../contract.ts";
import { isDescriptorLeft } from "../../linux/is_descriptor_left.ts";

/** How long the list is used again, because many connects may be refused at once, and it is long on a large machine. */
const KEPT_MS = 100;

let listening: ReadonlySet<string> = new Set();
let readMs = -Infinity;

/**
 * Finds out what a refused connect means on Bun, which reports a refusal also where no descriptor is left, or the
 * accept backlog of a Unix socket is full (EAGAIN, unix(7)). In both cases the connect can be tried again.
 */
export function explainRefusal(error: ConnError, target: Address): ConnError {
  if (error.kind !== "refused") return error;
  if (!isDescriptorLeft()) return new ConnError("exhausted", "Too many open files", { cause: error });
  if (target.transport !== "unix" || !isListening(target.path)) return error;
  return new ConnError("exhausted", "Accept backlog is full", { cause: error });
}

/** Whether a process listens on a path, by the kernel's list of this network namespace (proc(5), /proc/net/unix). */
function isListening(path: string): boolean {
  const nowMs = performance.now();
  if (nowMs - readMs > KEPT_MS) {
    try {
      listening = readListening();
    } catch {
      listening = new Set();
    }
    readMs = nowMs;
  }
  return listening.has(path.replace(/^\0/, "@"));
}

function readListening(): Set<string> {
  const paths = new Set<string>();
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    // Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 is SO_ACCEPTCON.
    const match = /^\S+ \S+ \S+ 00010000 \S+ \S+ +\d+ (.+)$/.exec(line);
    if (match) paths.add(match[1]);
  }
  return paths;
}
