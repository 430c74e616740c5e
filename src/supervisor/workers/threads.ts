/** Threads for workers. A thread becomes a certain worker by the first message to it. */
import { Worker as Thread } from "node:worker_threads";
import { shortenTurns } from "../../engines/deno/turns.ts";
import { loadSocketCalls } from "../../linux/socket_calls.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { checkThreadRoom } from "../sockets/file_limit.ts";
import type { WorkerThreadData } from "./messages.ts";
import { ThreadChannel } from "./thread_channel.ts";

/** With so many descriptors nobody counts how many of them are free at a start, which takes 1 ms: nearly all are. */
const AMPLE_FILES = 1024;

/** A thread that waits to become a worker. */
let spare: ThreadChannel | null = null;

/**
 * Starts the first worker's thread, where there will be one whatever the configuration says: on Deno. To make a thread
 * takes Deno 30 ms; what it loads then, it loads while this one reads the configuration.
 */
export async function startThread(): Promise<void> {
  if (runtimeName() !== "deno" || shortenTurns()) return;
  const calls = (await loadSocketCalls())!;
  if (calls.raiseFileLimit() < AMPLE_FILES) {
    try {
      checkThreadRoom(calls, 1);
    } catch {
      return; // Whoever needs the thread makes it, and says what is missing.
    }
  }
  const channel = makeThread();
  const forget = () => {
    if (spare === channel) spare = null;
  };
  channel.thread.on("error", forget);
  channel.thread.on("exit", forget);
  spare = channel;
}

/** How many threads wait to become workers. */
export function spareThreads(): number {
  return spare === null ? 0 : 1;
}

/** A thread for a worker: the one that waits, else a new one. */
export function takeThread(): ThreadChannel {
  const channel = spare ?? makeThread();
  spare = null;
  return channel;
}

function makeThread(): ThreadChannel {
  const workerData: WorkerThreadData = { role: "tls-off worker" };
  // Bun's option, which the others ignore: its garbage is collected more often, while it is small enough for the caches.
  const options = { workerData, smol: true };
  return new ThreadChannel(new Thread(threadEntry(), options));
}

/**
 * The file that a worker's thread begins with. In a bundle it is the bundle: its first lines ask which thread they run
 * on. The Deno binary has its bundle in several files, of which the program's own begins with these lines.
 */
function threadEntry(): URL {
  if (import.meta.url.endsWith("/threads.ts")) return new URL("./worker_thread.ts", import.meta.url);
  return new URL(runtimeName() === "deno" ? Deno.mainModule : import.meta.url);
}
