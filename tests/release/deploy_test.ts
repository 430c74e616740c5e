import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { formatProblem } from "../../src/config/problem.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

const DEPLOY = `${ROOT}scripts/deploy`;
const read = (name: string) => Deno.readTextFileSync(`${DEPLOY}/${name}`);

/** Certificates are not looked for. */
const load = (toml: string) => parseConfig(toml, "/etc/tls-off/tls-off.toml", {}, "/");

/** The configuration inside of the Kubernetes example. */
function embeddedConfig(): string {
  const [, block] = /^ {2}tls-off\.toml: \|\n((?: {4}.*\n|\n)+)/m.exec(read("kubernetes/tls-off.yaml")) ?? [];
  assert.ok(block, "tls-off.toml in the ConfigMap");
  return block.replace(/^ {4}/gm, "");
}

Deno.test("the example configurations are valid", () => {
  const examples = [read("systemd/tls-off.toml"), read("pair/behind-l4-balancer.toml"), embeddedConfig()];
  for (const toml of examples) assert.deepEqual(load(toml).problems.map(formatProblem), []);
});

Deno.test("the Kubernetes example's ports, paths and version are one another's", () => {
  const yaml = read("kubernetes/tls-off.yaml");
  const { config } = load(embeddedConfig());
  const [listener] = config!.listeners;
  const port = (name: string) => Number(new RegExp(`name: ${name}, containerPort: (\\d+)`).exec(yaml)?.[1]);
  assert.equal((listener.listen[0] as { port: number }).port, port("https"));
  assert.equal((config!.admin.listen as { port: number }).port, port("admin"));
  const [{ to: backend }] = listener.backend;
  assert.ok(backend.transport === "unix" && yaml.includes(`value: ${backend.path}`));
  assert.ok(yaml.includes(`image: tls-off:${manifest.version}`));
  const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(yaml)?.[1]);
  const [outlives, waits] = [...yaml.matchAll(/sleep: \{ seconds: (\d+) \}/g)].map(([, seconds]) => Number(seconds));
  assert.ok(waits * 1000 + config!.shutdown.graceMs < outlives * 1000 && outlives < grace);
});

Deno.test("the systemd unit gives the drain its time, and is one that systemd 252 takes", () => {
  const unit = read("systemd/tls-off.service");
  const toml = read("systemd/tls-off.toml");
  const { config } = load(toml);
  assert.ok(Number(/TimeoutStopSec=(\d+)s/.exec(unit)?.[1]) * 1000 > config!.shutdown.graceMs);
  // systemd 252 and older know no notify-reload, and would take it for "simple".
  assert.match(unit, /^Type=notify$/m);
  assert.match(unit, /^ExecReload=/m);
  assert.match(unit, /^SuccessExitStatus=3$/m);
});

Deno.test("the Dockerfile copies what the build makes", () => {
  const dockerfile = read("docker/Dockerfile");
  for (const machine of ["x64", "arm64"]) {
    for (const runtime of ["", "bun-"]) {
      const name = `tls-off-${runtime}linux-${machine}`;
      assert.ok(dockerfile.replaceAll("${RUNTIME}", runtime).includes(`dist/${name} /usr/local/bin/tls-off`), name);
    }
  }
});

peerTest(
  "systemd takes the units, and their exposure is low",
  [{ command: "systemd-analyze", debian: "systemd" }],
  async () => {
    const directory = await Deno.makeTempDir();
    try {
      // The binary is not installed here.
      const unit = read("systemd/tls-off.service").replace("/usr/local/bin/tls-off", "/usr/bin/env");
      await Deno.writeTextFile(`${directory}/tls-off.service`, unit);
      await Deno.writeTextFile(`${directory}/tls-off.socket`, read("systemd/tls-off.socket"));
      const units = [`${directory}/tls-off.service`, `${directory}/tls-off.socket`];
      const verified = await runPeer("systemd-analyze", ["verify", "--man=no", ...units]);
      assert.deepEqual([verified.code, verified.errors], [0, ""]);
      const { text } = await runPeer("systemd-analyze", ["security", "--offline=true", "--no-pager", units[0]]);
      const exposure = Number(/Overall exposure level for tls-off\.service: ([\d.]+)/.exec(text)?.[1]);
      assert.ok(exposure <= 2, `exposure ${exposure}`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

peerTest("HAProxy takes the balancer's configuration", [{ command: "haproxy", debian: "haproxy" }], async () => {
  const { code, text, errors } = await runPeer("haproxy", ["-c", "-f", `${DEPLOY}/pair/haproxy.cfg`]);
  assert.equal(code, 0, text + errors);
});
