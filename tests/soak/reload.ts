import { reloadUnderLoad } from "../support/reload_load.ts";
import { type Contender, runtimeCommand } from "../support/proxies/runtimes.ts";
import { Veth } from "../support/peers/veth.ts";

const RELOADS = Math.min(100, Number(Deno.env.get("TLS_OFF_RELOADS") ?? 100));

const veth = Veth.create();
veth?.[Symbol.dispose]();

const CONTENDERS: Contender[] = [
  { runtime: "deno", engine: "native" },
  { runtime: "deno", engine: "node" },
  { runtime: "bun", engine: "native" },
];

for (const { runtime, engine } of CONTENDERS) {
  Deno.test({
    name: `${RELOADS} reloads in a row lose no connection of any client on ${runtime} ${engine} (root, iproute2)`,
    ignore: veth === null,
    fn: async () => {
      const command = await runtimeCommand(runtime);
      await reloadUnderLoad({ reloads: RELOADS, workers: 2, engine, command, long: 20, raw: true });
    },
  });
}
