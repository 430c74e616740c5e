import assert from "node:assert/strict";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";
import { pause } from "../support/wait.ts";

const PEERS = [
  { command: "h2load", debian: "nghttp2-client" },
  { command: "nginx", debian: "nginx-light" },
  { command: "ip", debian: "iproute2" },
];
/** Where version 1 of control groups limits the memory of TCP for a group alone. */
const GROUPS = "/sys/fs/cgroup/memory";
const UNLIMITED = -1;
/** A round that takes so long stands still. */
const STALL_MS = 120_000;
/** How long the transfers go on before something happens to them. */
const BEGUN_MS = 400;

/** A network of its own, and a limit of its own for the memory of TCP where the kernel has that. */
class Surroundings implements AsyncDisposable {
  readonly name = `tlsoff-${crypto.randomUUID().slice(0, 6)}`;
  readonly limitsMemory = exists(`${GROUPS}/memory.kmem.tcp.limit_in_bytes`);
  /** Runs a command within. */
  readonly prefix: string[];

  private constructor() {
    const join = this.limitsMemory ? `echo $$ > ${this.group}/cgroup.procs; ` : "";
    this.prefix = ["ip", "netns", "exec", this.name, "sh", "-c", `${join}exec "$@"`, "sh"];
  }

  static async create(): Promise<Surroundings> {
    const surroundings = new Surroundings();
    const { name, group, limitsMemory } = surroundings;
    await run("ip", "netns", "add", name);
    await run("ip", "-n", name, "link", "set", "lo", "up");
    if (limitsMemory) Deno.mkdirSync(group);
    return surroundings;
  }

  get group(): string {
    return `${GROUPS}/${this.name}`;
  }

  limitMemory(bytes: number): void {
    Deno.writeTextFileSync(`${this.group}/memory.kmem.tcp.limit_in_bytes`, String(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("ip", "netns", "del", this.name);
    if (this.limitsMemory) Deno.removeSync(this.group);
  }
}

interface Condition {
  name: string;
  rounds: number;
  needsLimit?: boolean;
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
    needsLimit: true,
    before: (it) => it.limitMemory(3 << 20),
    after: (it) => it.limitMemory(UNLIMITED),
  },
  {
    name: "300 kB for all of TCP, for 3 s",
    rounds: 5,
    needsLimit: true,
    during: async (it) => {
      it.limitMemory(300 << 10);
      await pause(3_000);
      it.limitMemory(UNLIMITED);
    },
  },
];

for (const { runtime, engine } of CONTENDERS) {
  const name = `no transfer of HTTP/2 stands still for longer than its cause: ${engine} on ${runtime}`;
  if (Deno.uid() !== 0) Deno.test({ name: `${name} [needs root]`, ignore: true, fn: () => {} });
  else {peerTest(name, PEERS, async () => {
      using dir = new TempDir();
      Deno.writeFileSync(dir.file("body"), new Uint8Array(20_000_000));
      await using _ = await Nginx.start(
        dir.path,
        `server { listen unix:${dir.file("app.sock")} http2; root ${dir.path}; }`,
        dir.file("app.sock"),
      );
      await using surroundings = await Surroundings.create();
      await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, {
        command: await runtimeCommand(runtime),
        prefix: surroundings.prefix,
        listener: { engine, alpn: ["h2"] },
      });
      for (const { name, rounds, needsLimit, before, during, after } of CONDITIONS) {
        if (needsLimit && !surroundings.limitsMemory) {
          console.log(`${engine} on ${runtime}, ${name}: this kernel has no such limit for a group`);
          continue;
        }
        await before?.(surroundings);
        let slowestMs = 0;
        for (let round = 0; round < rounds; round++) {
          const startMs = performance.now();
          const transferring = transfer(surroundings, proxy.port);
          await pause(BEGUN_MS);
          await during?.(surroundings);
          assert.match(await transferring, /^requests: .* 20 succeeded/m, `${name}, round ${round}`);
          slowestMs = Math.max(slowestMs, performance.now() - startMs);
        }
        await after?.(surroundings);
        console.log(`${engine} on ${runtime}, ${name}: ${rounds} rounds, the slowest ${Math.round(slowestMs)} ms`);
      }
    });}
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
