import assert from "node:assert/strict";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ClientRates } from "../../src/metrics/client_rates.ts";
import { ClientTable, ClientTableReader, clientTableSize } from "../../src/metrics/client_table.ts";
import { Clients } from "../../src/metrics/clients.ts";

function table(capacity: number) {
  const buffer = new SharedArrayBuffer(clientTableSize(capacity));
  return { buffer, writer: new ClientTable(buffer, capacity) };
}

/** A repeatable random number from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapInUse(): number {
  collectGarbage();
  return memoryUsage().heapUsed;
}

Deno.test("ClientTable counts exactly while there is room", () => {
  const { buffer, writer } = table(8);
  const clients = new Clients(8);
  clients.add(0, buffer);
  writer.opened("::1");
  writer.opened("192.0.2.1");
  writer.bytesIn("::1", 10);
  writer.bytesOut("192.0.2.1", 5);
  writer.bytesIn("::1", 1);
  writer.opened("::1");
  writer.closed("::1");
  assert.deepEqual(clients.snapshot(), {
    clients: [
      { client: "::1", bytesIn: 11, bytesOut: 0, active: 1, opened: 2, error: 0 },
      { client: "192.0.2.1", bytesIn: 0, bytesOut: 5, active: 1, opened: 1, error: 0 },
    ],
    bound: 0,
    others: { bytesIn: 0, bytesOut: 0, opened: 0 },
  });
});

Deno.test("ClientTable keeps the heavy ones among a million addresses, within its stated error and memory", () => {
  const capacity = 1024;
  const heavy = 20;
  const { buffer, writer } = table(capacity);
  const clients = new Clients(capacity);
  clients.add(0, buffer);
  const next = random(5);
  const truth = new Map<string, number>();
  let total = 0;
  let heapBefore = 0;
  const send = (client: string, bytes: number) => {
    writer.opened(client);
    writer.bytesIn(client, bytes);
    writer.bytesOut(client, 2 * bytes);
    writer.closed(client);
    total += 3 * bytes;
  };
  for (let i = 0; i < 1_000_000; i++) {
    if (i === 100_000) heapBefore = heapInUse();
    send(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, Math.ceil(next() * 100));
    if (i % 50 === 0) {
      const client = `192.0.2.${Math.floor(next() * heavy)}`;
      const bytes = Math.ceil(next() * 100_000);
      truth.set(client, (truth.get(client) ?? 0) + 3 * bytes);
      send(client, bytes);
    }
  }
  const grown = heapInUse() - heapBefore;
  const { clients: known, bound, others } = clients.snapshot();
  known.sort((a, b) => b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut);
  assert.equal(known.length, capacity);
  assert.deepEqual(new Set(known.slice(0, heavy).map(({ client }) => client)), new Set(truth.keys()));
  for (const { client, bytesIn, bytesOut, error } of known.slice(0, heavy)) {
    const exact = truth.get(client)!;
    assert.ok(bytesIn + bytesOut <= exact && exact <= bytesIn + bytesOut + error, `${client}: ${exact}`);
    assert.ok(error <= total / (capacity * 7 / 8), `${client}: error ${error} of ${total}`);
  }
  assert.ok(bound <= total / (capacity * 7 / 8), `bound ${bound}`);
  // Nothing is lost: what is forgotten is counted together.
  const sum = known.reduce((sum, one) => sum + one.bytesIn + one.bytesOut, others.bytesIn + others.bytesOut);
  assert.equal(sum, total);
  assert.equal(known.reduce((sum, one) => sum + one.opened, others.opened), 1_020_000);
  assert.ok(grown < 2e6, `heap grew by ${grown} bytes`);
});

Deno.test("ClientTable knows who is active, also of clients it had forgotten", () => {
  const { buffer, writer } = table(8);
  const reader = new ClientTableReader(buffer, 8);
  const active = (client: string) => {
    let found: number | null = null;
    reader.read((name, numbers) => {
      if (name === client) found = numbers.active;
    });
    return found;
  };
  writer.opened("slow");
  writer.opened("slow");
  for (let i = 0; i < 100; i++) {
    writer.opened(`client${i}`);
    writer.bytesIn(`client${i}`, 1000);
    writer.closed(`client${i}`);
  }
  assert.equal(active("slow"), null);
  writer.bytesIn("slow", 1);
  assert.equal(active("slow"), 2);
  writer.closed("slow");
  assert.equal(active("slow"), 1);
  writer.closed("slow");
  assert.equal(active("slow"), 0);
});

Deno.test("ClientTable cuts overlong names rather than writing over its neighbour", () => {
  const { buffer, writer } = table(2);
  writer.opened("x".repeat(500));
  writer.opened("y");
  const names: string[] = [];
  new ClientTableReader(buffer, 2).read((client) => names.push(client));
  assert.deepEqual(names, ["x".repeat(63), "y"]);
});

Deno.test("ClientTableReader gives whole slots while a worker writes", async () => {
  const capacity = 16;
  const buffer = new SharedArrayBuffer(clientTableSize(capacity));
  const source = `
    import { ClientTable } from ${JSON.stringify(new URL("../../src/metrics/client_table.ts", import.meta.url).href)};
    onmessage = ({ data }) => {
      const table = new ClientTable(data, ${capacity});
      postMessage("ready");
      for (let i = 0; ; i++) {
        const client = String(i % 97).padStart(2, "0").repeat(1 + i % 31);
        table.opened(client);
        table.bytesIn(client, i % 1000);
        table.closed(client);
      }
    };
  `;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), {
    type: "module",
  });
  await new Promise((resolve) => {
    worker.onmessage = resolve;
    worker.postMessage(buffer);
  });
  const reader = new ClientTableReader(buffer, capacity);
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    reader.read((client) => {
      assert.match(client, /^(\d\d)\1*$/);
      seen.add(client);
    });
    if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  worker.terminate();
  assert.ok(seen.size > capacity, `${seen.size} clients seen`);
});

Deno.test("Clients keeps what ended workers counted, and drops their connections", () => {
  const clients = new Clients(4);
  const first = table(4);
  clients.add(1, first.buffer);
  first.writer.opened("a");
  first.writer.bytesIn("a", 100);
  clients.remove(1);
  const second = table(4);
  clients.add(2, second.buffer);
  second.writer.opened("a");
  second.writer.bytesOut("a", 1);
  second.writer.opened("b");
  const { clients: known } = clients.snapshot();
  assert.deepEqual(known, [
    { client: "a", bytesIn: 100, bytesOut: 1, active: 1, opened: 2, error: 0 },
    { client: "b", bytesIn: 0, bytesOut: 0, active: 1, opened: 1, error: 0 },
  ]);
});

Deno.test("Clients stays bounded and within its error over many generations", () => {
  const capacity = 32;
  const clients = new Clients(capacity);
  const truth = new Map<string, number>();
  let total = 0;
  const next = random(7);
  for (let generation = 0; generation < 200; generation++) {
    const { buffer, writer } = table(capacity);
    clients.add(generation, buffer);
    for (let i = 0; i < 100; i++) {
      const client = next() < 0.3 ? `heavy${Math.floor(next() * 3)}` : `light${generation}-${i}`;
      const bytes = client.startsWith("heavy") ? 1000 : 10;
      writer.opened(client);
      writer.bytesIn(client, bytes);
      writer.closed(client);
      truth.set(client, (truth.get(client) ?? 0) + bytes);
      total += bytes;
    }
    clients.remove(generation);
  }
  const { clients: known, bound, others } = clients.snapshot();
  assert.ok(known.length <= capacity);
  assert.equal(known.reduce((sum, { bytesIn }) => sum + bytesIn, others.bytesIn), total);
  for (const { client, bytesIn, error } of known) {
    const exact = truth.get(client)!;
    assert.ok(bytesIn <= exact && exact <= bytesIn + error, `${client}: ${bytesIn} + ${error}, truly ${exact}`);
  }
  for (const [client, exact] of truth) {
    if (!known.some((one) => one.client === client)) assert.ok(exact <= bound, `${client}: ${exact} above ${bound}`);
  }
});

Deno.test("ClientRates gives bytes per second over 1, 10 and 60 seconds", () => {
  const rates = new ClientRates();
  // 100 B/s in for 100 s, then 1000 B/s for 5 s; ticks that are a little late count with their true time.
  let bytesIn = 0;
  let nowMs = 0;
  for (let i = 0; i <= 105; i++) {
    const elapsedMs = i % 2 === 0 ? 1003 : 997;
    nowMs += elapsedMs;
    bytesIn += (i > 100 ? 1000 : 100) * elapsedMs / 1000;
    rates.tick([{ client: "a", bytesIn, bytesOut: 2 * bytesIn }, { client: "idle", bytesIn: 5, bytesOut: 5 }], nowMs);
  }
  const { in1s, in10s, in60s, out1s } = rates.of("a");
  assert.ok(Math.abs(in1s - 1000) < 1e-6, `${in1s}`);
  assert.ok(Math.abs(in10s - 550) < 5, `${in10s}`);
  assert.ok(Math.abs(in60s - 175) < 2, `${in60s}`);
  assert.ok(Math.abs(out1s - 2000) < 1e-6);
  assert.equal(rates.of("idle").in60s, 0);
  assert.equal(rates.of("unknown").in1s, 0);
});

Deno.test("ClientRates counts a new client's first bytes, and never backwards", () => {
  const rates = new ClientRates();
  rates.tick([], 0);
  rates.tick([{ client: "a", bytesIn: 500, bytesOut: 0 }], 1000);
  assert.equal(rates.of("a").in1s, 500);
  rates.tick([{ client: "a", bytesIn: 20, bytesOut: 0 }], 2000);
  assert.equal(rates.of("a").in1s, 20);
  for (let i = 3; i < 70; i++) rates.tick([{ client: "a", bytesIn: 20, bytesOut: 0 }], i * 1000);
  assert.equal(rates.of("a").in60s, 0);
});
