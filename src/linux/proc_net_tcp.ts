import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import ipaddr from "ipaddr.js";
import type { ConnectionEnds, Endpoint } from "./endpoint_key.ts";

const FILES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads how many bytes the peers of TCP connections have not acknowledged from the kernel's tables (proc(5),
 * `/proc/net/tcp`). This is for a runtime that can ask in no other way: the tables have a line of 150 bytes for each
 * connection of the machine, and 10 000 take 10 ms. They are read piece by piece, between which others are served.
 * @returns a number for each connection, in order; `null` where it is not listed, or the tables cannot be read
 */
export async function readUnsent(connections: readonly ConnectionEnds[]): Promise<(number | null)[]> {
  return (await readQueues(connections)).unsent;
}

/**
 * Says of each connection whether the kernel lists it no more.
 * @returns `false` for each where no table can be read
 */
export async function areUnlisted(connections: readonly ConnectionEnds[]): Promise<boolean[]> {
  const { unsent, readable } = await readQueues(connections);
  return unsent.map((bytes) => readable && bytes === null);
}

async function readQueues(connections: readonly ConnectionEnds[]) {
  const unsent: (number | null)[] = connections.map(() => null);
  let readable = false;
  const wanted = new Map(connections.flatMap(({ local, remote }, index) => {
    const names = [true, false].map((mapped) => `${tableName(local, mapped)} ${tableName(remote, mapped)}`);
    return names.map((name): [string, number] => [name, index]);
  }));
  for (const file of FILES) {
    if (unsent.every((bytes) => bytes !== null)) break;
    const opened = await readLines(file, (line) => {
      // The number of the line, local and remote address, state, send and receive queue.
      const [, local, remote, , queues] = line.trimStart().split(" ", 5);
      const index = wanted.get(`${local} ${remote}`);
      if (index !== undefined) unsent[index] = parseInt(queues, 16);
    });
    readable ||= opened;
  }
  return { unsent, readable };
}

/** Writes an end as the tables do: each four bytes of the address as a little-endian number, then the port. */
function tableName({ hostname, port }: Endpoint, mapped: boolean): string {
  const address = ipaddr.parse(hostname);
  const bytes = Buffer.from(
    (mapped && address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address).toByteArray(),
  );
  return `${bytes.swap32().toString("hex")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}

/** Calls `found` for each line of a file. Returns whether it could be read. */
async function readLines(path: string, found: (line: string) => void): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let rest = "";;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return true;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) found(line);
    }
  } finally {
    await file.close();
  }
}
