import assert from "node:assert/strict";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { type Contender, CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";
import { pause } from "../support/wait.ts";

const PEERS = [
  { command: "h2load", debian: "nghttp2-client" },
  { command: "nginx", debian: "nginx-light" },
  { command: "ip", debian: "iproute2" },
  { command: "iptables", debian: "iptables" },
];
/** Where version 1 of control groups limits the memory of TCP for a group alone. */
const GROUPS = "/sys/fs/cgroup/memory";
const UNLIMITED = -1;
/** A round that takes so long stands still. */
const STALL_MS = 120_000;
/** How long the transfers go on before something happens to them. */
const BEGUN_MS = 400;

/** Packets as on an Ethernet: the loopback's own hold 64 KiB. */
const ETHERNET = ["mtu", "1500", "gso_max_size", "1500", "gso_max_segs", "1"];

/** What a condition needs of the kernel. */
type Need = "memory limit" | "loss";

/**
 * A network of its own, in which packets can be lost, and a limit of its own for the memory of TCP, each where the
 * kernel has that.
 */
class Surroundings implements AsyncDisposable {
  readonly name = `tlsoff-${crypto.randomUUID().slice(0, 6)}`;
  readonly has = new Set<Need>();
  /** Runs a command within. */
  readonly prefix: string[];

  private constructor() {
    if (exists(`${GROUPS}/memory.kmem.tcp.limit_in_bytes`)) this.has.add("memory limit");
    const join = this.has.has("memory limit") ? `echo $$ > ${this.group}/cgroup.procs; ` : "";
    this.prefix = ["ip", "netns", "exec", this.name, "sh", "-c", `${join}exec "$@"`, "sh"];
  }

  static async create(): Promise<Surroundings> {
    const surroundings = new Surroundings();
    const { name, group, has } = surroundings;
    await run("ip", "netns", "add", name);
    await run("ip", "-n", name, "link", "set", "lo", ...ETHERNET);
    await run("ip", "-n", name, "link", "set", "lo", "up");
    if (has.has("memory limit")) Deno.mkdirSync(group);
    try {
      await surroundings.losePackets(50);
      await surroundings.losePackets(0);
      has.add("loss");
    } catch {
      // The kernel has no match by chance (xt_statistic).
    }
    return surroundings;
  }

  get group(): string {
    return `${GROUPS}/${this.name}`;
  }

  limitMemory(bytes: number): void {
    Deno.writeTextFileSync(`${this.group}/memory.kmem.tcp.limit_in_bytes`, String(bytes));
  }

  async losePackets(percent: number): Promise<void> {
    const iptables = (...args: string[]) => run("ip", "netns", "exec", this.name, "iptables", ...args);
    await iptables("-F", "INPUT");
    if (percent === 0) return;
    const chance = ["-m", "statistic", "--mode", "random", "--probability", String(percent / 100)];
    await iptables("-A", "INPUT", "-p", "tcp", ...chance, "-j", "DROP");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("ip", "netns", "del", this.name);
    if (this.has.has("memory limit")) Deno.removeSync(this.group);
  }
}

interface Condition {
  name: string;
  rounds: number;
  needs?: Need[];
  before?: (surroundings: Surroundings) => unknown;
  /** Happens while the transfers are under way. */
  during?: (surroundings: Surroundings) => Promise<void>;
  after?: (surroundings: Surroundings) => unknown;
}

const CONDITIONS: Condition[] = [
  { name: "nothing", rounds: 20 },
  {
    name: "3 MB for all of TCP",
    rounds: 10,
    needs: ["memory limit"],
    before: (it) => it.limitMemory(3 << 20),
    after: (it) => it.limitMemory(UNLIMITED),
  },
  {
    name: "300 kB for all of TCP, for 3 s",
    rounds: 5,
    needs: ["memory limit"],
    during: async (it) => {
      it.limitMemory(300 << 10);
      await pause(3_000);
      it.limitMemory(UNLIMITED);
    },
  },
  {
    name: "1 % of the packets lost",
    rounds: 3,
    needs: ["loss"],
    before: (it) => it.losePackets(1),
    after: (it) => it.losePackets(0),
  },
  {
    name: "a third of the packets lost, for 3 s",
    rounds: 5,
    needs: ["loss"],
    during: async (it) => {
      await it.losePackets(33);
      await pause(3_000);
      await it.losePackets(0);
    },
  },
  {
    name: "a tenth of the packets lost and 300 kB for all of TCP, for 3 s",
    rounds: 5,
    needs: ["loss", "memory limit"],
    during: async (it) => {
      it.limitMemory(300 << 10);
      await it.losePackets(10);
      await pause(3_000);
      await it.losePackets(0);
      it.limitMemory(UNLIMITED);
    },
  },
];

// One test for each condition, so that each can be chosen by its name.
for (const { runtime, engine } of CONTENDERS) {
  for (const condition of CONDITIONS) {
    const name =
      `no transfer of HTTP/2 stands still for longer than its cause: ${engine} on ${runtime}, ${condition.name}`;
    if (Deno.uid() !== 0) Deno.test({ name: `${name} [needs root]`, ignore: true, fn: () => {} });
    else peerTest(name, PEERS, () => transferUnder(condition, { runtime, engine }));
  }
}

async function transferUnder(condition: Condition, { runtime, engine }: Contender): Promise<void> {
  const { name, rounds, needs = [], before, during, after } = condition;
  using dir = new TempDir();
  Deno.writeFileSync(dir.file("body"), new Uint8Array(20_000_000));
  await using _ = await Nginx.start(
    dir.path,
    `server { listen unix:${dir.file("app.sock")} http2; root ${dir.path}; }`,
    dir.file("app.sock"),
  );
  await using surroundings = await Surroundings.create();
  const missing = needs.filter((need) => !surroundings.has.has(need));
  if (missing.length > 0) {
    console.log(`${engine} on ${runtime}, ${name}: skipped, this kernel has no ${missing.join(" and no ")} here`);
    return;
  }
  await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, {
    command: await runtimeCommand(runtime),
    prefix: surroundings.prefix,
    listener: { engine, alpn: ["h2"] },
  });
  await before?.(surroundings);
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const transferring = transfer(surroundings, proxy.port);
    await pause(BEGUN_MS);
    await during?.(surroundings);
    assert.match(await transferring, /^requests: .* 20 succeeded/m, `${name}, round ${round}`);
    tookMs.push(performance.now() - startMs);
  }
  await after?.(surroundings);
  const slowestMs = Math.round(Math.max(...tookMs));
  console.log(`${engine} on ${runtime}, ${name}: ${rounds} rounds, the slowest ${slowestMs} ms`);
}

/** Twenty answers of 20 MB over two connections; returns what is said of them. */
async function transfer({ prefix }: Surroundings, port: number): Promise<string> {
  const [command, ...args] = ["timeout", String(STALL_MS / 1000), ...prefix, "h2load", "-n20", "-c2", "-m10"];
  return (await runPeer(command, [...args, `https://127.0.0.1:${port}/body`])).text;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { code, errors } = await runPeer(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${errors}`);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
