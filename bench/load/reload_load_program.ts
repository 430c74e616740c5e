/**
 * Program: PORT CA. Until SIGINT, eight loops connect, get `/10`, close and wait a moment; eight connections stay and
 * make a request each 10 ms. Prints a RESULT line.
 */
import { connectTo } from "../lab/connect.ts";
import { get } from "../lab/http.ts";

/** What clients saw while the proxy reloaded. */
export interface ReloadResult {
  newConnections: number;
  /** Refused, reset, or closed without the whole answer. */
  newFailed: number;
  /** The slowest of them, from connect to close. */
  newWorstMs: number;
  keptRequests: number;
  /** A connection that stayed was closed under a request. Closing it between requests is no failure. */
  keptFailed: number;
}

/** Between a connection and the next of its loop. */
const PACE_MS = 5;

const [port, ca] = Deno.args;
const caCerts = [await Deno.readTextFile(ca)];
const connect = () => connectTo(Number(port), caCerts);
const request = new TextEncoder().encode("GET /10 HTTP/1.1\r\nHost: localhost\r\n\r\n");
const result: ReloadResult = { newConnections: 0, newFailed: 0, newWorstMs: 0, keptRequests: 0, keptFailed: 0 };
let stopped = false;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function comeAndGo(): Promise<void> {
  while (!stopped) {
    const begin = performance.now();
    try {
      using connection = await connect();
      await get(connection, "/10");
    } catch (error) {
      if (error instanceof Deno.errors.AddrNotAvailable) {
        throw new Error("This machine has no port left", { cause: error });
      }
      if (!stopped) result.newFailed++;
      await pause(5);
    }
    result.newWorstMs = Math.max(result.newWorstMs, performance.now() - begin);
    // A port can be used again after a minute, and there are 28 000. Without a pause they would run out.
    await pause(PACE_MS);
    result.newConnections++;
  }
}

/** Makes requests until the connection is closed; true when that was between two of them. */
async function useUntilClosed(connection: Deno.Conn): Promise<boolean> {
  const buffer = new Uint8Array(4096);
  while (!stopped) {
    // A close that came in the pause is seen by this read, before the request is made.
    const waiting = connection.read(buffer);
    const early = await Promise.race([waiting.catch(() => null), pause(10).then(() => "silent" as const)]);
    if (early !== "silent") return true;
    await connection.write(request);
    let answer = "";
    let read = waiting;
    for (;;) {
      const count = await read;
      if (count === null) return false;
      answer += new TextDecoder().decode(buffer.subarray(0, count));
      if (answer.endsWith("x".repeat(10))) break;
      read = connection.read(buffer);
    }
    result.keptRequests++;
  }
  return true;
}

async function stay(): Promise<void> {
  while (!stopped) {
    try {
      using connection = await connect();
      if (!await useUntilClosed(connection)) result.keptFailed++;
    } catch {
      if (!stopped) result.keptFailed++;
      await pause(5);
    }
  }
}

Deno.addSignalListener("SIGINT", () => {
  stopped = true;
  console.log(`RESULT ${JSON.stringify(result)}`);
  Deno.exit(0);
});
for (let index = 0; index < 8; index++) {
  comeAndGo();
  stay();
}
