import assert from "node:assert/strict";
import { readAll } from "../support/applications/backend.ts";
import { HealthApp } from "../support/applications/health_app.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { until } from "../support/wait.ts";

const CLIENTS = 8;
/** Each backend is made sick in each way so often. */
const TURNS = 2;

/** One request on a connection of its own. */
interface Asked {
  clientPort: number;
  /** Who answered; `null` where nobody did. */
  name: string | null;
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`on ${runtime} no request fails that had not reached the sick backend, however it is sick`, async () => {
    using dir = new TempDir();
    await using first = await HealthApp.start("first", dir.file("first.sock"));
    await using second = await HealthApp.start("second", dir.file("second.sock"));
    await using spare = await HealthApp.start("spare", dir.file("spare.sock"));
    await using proxy = await Proxy.start(dir, [], {
      command: await runtimeCommand(runtime),
      config: { workers: 2 },
      listener: {
        route: [{
          name: "app",
          "server-name": "localhost",
          backend: [first.address, second.address],
          spare: spare.address,
          health: { interval: "200ms", timeout: "1s", path: "/healthz", fall: 2 },
        }],
      },
    });
    const changes = (app: HealthApp, event: string) =>
      proxy.program.records.filter((record) => record.event === event && record.backend === app.address).length;
    const asked: Asked[] = [];
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!isOver) asked.push(await ask(proxy));
    });
    const whileSick = async (app: HealthApp, begin: () => unknown, end: () => unknown) => {
      const [downs, ups] = [changes(app, "backend-down"), changes(app, "backend-up")];
      const before = asked.length;
      await begin();
      await until(() => changes(app, "backend-down") > downs, `${app.name} is down`);
      // Enough requests for each client to have begun a new one.
      const seen = asked.length;
      await until(() => asked.length >= seen + 2 * CLIENTS, "requests go on");
      await end();
      await until(() => changes(app, "backend-up") > ups, `${app.name} is up`);
      return asked.slice(before);
    };
    for (let turn = 0; turn < TURNS; turn++) {
      for (const app of [first, second]) {
        await whileSick(app, () => app.kill(), () => app.restart());
        await whileSick(app, () => app.hang(), () => app.goOn());
        const duringErrors = await whileSick(app, () => app.toggle(), () => app.toggle());
        // An application whose check fails still answers: nobody may fail for that.
        assert.ok(duringErrors.every(({ name }) => name !== null), "none fails by a bad check alone");
      }
      // With both of them down, the spare takes all.
      await first.kill();
      await second.kill();
      const spared = asked.length;
      await until(() => asked.slice(spared).filter(({ name }) => name === "spare").length > 20, "the spare answers");
      for (const app of [first, second]) {
        const ups = changes(app, "backend-up");
        await app.restart();
        // It may have been too short for the probes to find it down: then connections alone have seen it.
        if (changes(app, "backend-down") > ups) await until(() => changes(app, "backend-up") > ups, "it is up");
      }
    }
    isOver = true;
    await Promise.all(clients);
    await until(() => proxy.program.connections().length >= asked.length, "every request has its record");
    const records = new Map<number, Record<string, unknown>[]>();
    for (const record of proxy.program.connections()) {
      const port = Number(record.client_port);
      records.set(port, [...records.get(port) ?? [], record]);
    }
    const addresses = new Map([first, second, spare].map((app) => [app.name, app.address]));
    const counts = new Map<string | null, number>();
    for (const { clientPort, name } of asked) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      // A port may come again in a long run: one of its records has to fit.
      const own = records.get(clientPort) ?? [];
      const fits = own.some(({ backend, route }) =>
        route === "app" &&
        (name === null ? backend === first.address || backend === second.address : backend === addresses.get(name))
      );
      assert.ok(fits, `${name ?? "a failure"} of port ${clientPort}: ${JSON.stringify(own)}`);
    }
    for (const name of addresses.keys()) assert.ok(counts.get(name)! > 20, `${name} answered ${counts.get(name)}`);
  });
}

async function ask(proxy: Proxy): Promise<Asked> {
  const client = await Deno.connectTls({ hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] });
  const clientPort = (client.localAddr as Deno.NetAddr).port;
  try {
    await client.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    const text = new TextDecoder().decode(await readAll(client));
    const name = text.slice(text.indexOf("\r\n\r\n") + 4);
    return { clientPort, name: name === "" ? null : name };
  } catch {
    return { clientPort, name: null };
  } finally {
    client.close();
  }
}
