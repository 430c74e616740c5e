/**
 * Program: `{"url", "connections", "durationMs", "postBytes"?, "thinkMs"?, "ca"}` as JSON. Makes requests on
 * connections that stay, until the time is up or SIGINT, and prints a RESULT line as wrk.lua does.
 *
 * It is used where wrk is not installed, and is worse than wrk in two ways: one thread of it makes about a third
 * of wrk's requests, so that often it is measured instead of the proxy; and its latencies include delays of its own
 * event loop. Only the CPU time per request can be relied on.
 */
import { connectTo } from "../lab/connect.ts";
import { mean, quantile, standardDeviation } from "../figures/stats.ts";
import type { LoadResult } from "./load_result.ts";

interface Task {
  url: string;
  connections: number;
  durationMs: number;
  postBytes?: number;
  thinkMs?: number;
  ca: string;
}

/** As in wrk.lua. */
const SETTLE_MS = 700;

const task = JSON.parse(Deno.args[0]) as Task;
const url = new URL(task.url);
const caCerts = [await Deno.readTextFile(task.ca)];
const body = "x".repeat(task.postBytes ?? 0);
const request = new TextEncoder().encode(
  (task.postBytes === undefined
    ? `GET ${url.pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    : `POST ${url.pathname} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`) + body,
);

const latenciesUs: number[] = [];
let bytes = 0;
let errors = 0;
let stopped = false;
const begin = performance.now();

/** Reads one answer; false when it is cut short or not a success. */
async function readAnswer(connection: Deno.Conn, buffer: Uint8Array): Promise<boolean> {
  let head = "";
  let left = Infinity;
  while (left > 0) {
    const count = await connection.read(buffer);
    if (count === null) return false;
    bytes += count;
    if (left !== Infinity) {
      left -= count;
      continue;
    }
    head += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end))?.[1];
    if (length === undefined || !/^HTTP\/1\.1 [23]/.test(head)) return false;
    left = Number(length) - (head.length - end - 4);
  }
  return true;
}

async function writeAll(connection: Deno.Conn, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length;) written += await connection.write(data.subarray(written));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function load(): Promise<void> {
  const buffer = new Uint8Array(65_536);
  while (!stopped) {
    try {
      using connection = await connectTo(Number(url.port), url.protocol === "https:" ? caCerts : null);
      if (task.thinkMs) await pause(SETTLE_MS);
      while (!stopped) {
        if (task.thinkMs) await pause(Math.random() * 2 * task.thinkMs);
        const start = performance.now();
        await writeAll(connection, request);
        if (!await readAnswer(connection, buffer)) throw new Error("Cannot read the answer");
        latenciesUs.push((performance.now() - start) * 1000);
      }
    } catch {
      errors++;
      // A server that refuses connections is not asked again at once, or there would be a million attempts.
      await pause(10);
    }
  }
}

function finish(): void {
  stopped = true;
  const result: LoadResult = {
    requests: latenciesUs.length,
    durationMs: performance.now() - begin,
    bytes,
    meanUs: latenciesUs.length ? mean(latenciesUs) : 0,
    stdevUs: standardDeviation(latenciesUs),
    p50Us: latenciesUs.length ? quantile(latenciesUs, 0.5) : 0,
    p90Us: latenciesUs.length ? quantile(latenciesUs, 0.9) : 0,
    p99Us: latenciesUs.length ? quantile(latenciesUs, 0.99) : 0,
    errors,
  };
  console.log(`RESULT ${JSON.stringify(result)}`);
  Deno.exit(0);
}

Deno.addSignalListener("SIGINT", finish);
setTimeout(finish, task.durationMs);
for (let index = 0; index < task.connections; index++) load();
