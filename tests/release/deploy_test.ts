import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import manifest from "../../deno.json" with { type: "json" };
import { formatProblem } from "../../src/config/problem.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

const DEPLOY = `${ROOT}scripts/deploy`;
const read = (name: string) => Deno.readTextFileSync(`${DEPLOY}/${name}`);

/** Certificates are not looked for. */
const load = (toml: string) => parseConfig(toml, "/etc/tls-off/tls-off.toml", {}, "/");

const KUBERNETES = ["kubernetes/tls-off.yaml", "kubernetes/front.yaml"];

/** One object of Kubernetes, as far as the tests look. */
type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  // deno-lint-ignore no-explicit-any -- the shape depends on the kind
  spec: any;
  data?: Record<string, string>;
};

function manifests(name: string): Manifest[] {
  return parseAllDocuments(read(name), { strict: true, uniqueKeys: true }).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], name);
    return document.toJS() as Manifest;
  });
}

const ofKind = (name: string, kind: string) => {
  const found = manifests(name).find((manifest) => manifest.kind === kind);
  assert.ok(found, `${kind} in ${name}`);
  return found;
};

/** The configuration inside of a Kubernetes example. */
const embeddedConfig = (name: string) => ofKind(name, "ConfigMap").data!["tls-off.toml"];

Deno.test("the example configurations are valid", () => {
  const files = ["systemd/tls-off.toml", "pair/behind-l4-balancer.toml"].map(read);
  for (const toml of [...files, ...KUBERNETES.map(embeddedConfig)]) {
    assert.deepEqual(load(toml).problems.map(formatProblem), []);
  }
});

for (const name of KUBERNETES) {
  Deno.test(`${name} is whole: names, ports, volumes and selectors are one another's`, () => {
    for (const { apiVersion, kind, metadata } of manifests(name)) {
      assert.match(apiVersion, /^([a-z0-9.-]+\/)?v\d+((alpha|beta)\d+)?$/);
      assert.match(kind, /^[A-Z]\w+$/);
      assert.match(metadata.name, /^[a-z0-9-]+$/);
    }
    const { config } = load(embeddedConfig(name));
    const [listener] = config!.listeners;
    const { selector, template: { metadata: { labels }, spec: pod } } = ofKind(name, "Deployment").spec;
    const containers = [...pod.initContainers ?? [], ...pod.containers];
    const proxy = containers.find((container) => container.name === "tls-off");
    const port = (name: string) => proxy.ports.find((port: { name: string }) => port.name === name).containerPort;
    assert.equal((listener.listen[0] as { port: number }).port, port("https"));
    assert.equal((config!.admin.listen as { port: number }).port, port("admin"));
    assert.equal(proxy.image, `tls-off:${manifest.version}`);
    assert.deepEqual(selector.matchLabels, labels);
    const service = ofKind(name, "Service").spec;
    assert.deepEqual(service.selector, labels);
    assert.equal(service.ports[0].targetPort, "https");
    const volumes = pod.volumes.map(({ name }: { name: string }) => name);
    for (const { volumeMounts = [] } of containers) {
      for (const mount of volumeMounts) assert.ok(volumes.includes(mount.name), mount.name);
    }
    const secret = pod.volumes.find(({ secret }: { secret?: unknown }) => secret !== undefined).secret.secretName;
    assert.equal(ofKind(name, "Certificate").spec.secretName, secret);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(proxy.securityContext.capabilities, { drop: ["ALL"] });
    // The pod lives as long as the pause before its end and the drain take together.
    const pauses = containers.map(({ lifecycle }) => lifecycle?.preStop.sleep.seconds ?? 0);
    assert.ok(Math.max(...pauses) * 1000 + config!.shutdown.graceMs < pod.terminationGracePeriodSeconds * 1000);
  });
}

Deno.test("the sidecar is a native one, which starts before the application that it waits for", () => {
  const pod = ofKind("kubernetes/tls-off.yaml", "Deployment").spec.template.spec;
  const [sidecar] = pod.initContainers;
  assert.equal(sidecar.restartPolicy, "Always");
  assert.equal(sidecar.startupProbe.httpGet.path, "/healthz");
  assert.equal(sidecar.readinessProbe.httpGet.path, "/readyz");
  const { config } = load(embeddedConfig("kubernetes/tls-off.yaml"));
  const [{ to: backend }] = config!.listeners[0].backend;
  const values = pod.containers[0].env.map(({ value }: { value: string }) => value);
  assert.ok(backend.transport === "unix" && values.includes(backend.path));
  assert.equal(ofKind("kubernetes/tls-off.yaml", "PodMonitor").spec.podMetricsEndpoints[0].port, "admin");
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

Deno.test("the Dockerfile copies what the build makes, onto a base that its digest names", () => {
  const dockerfile = read("docker/Dockerfile");
  for (const [machine, architecture] of [["x64", "amd64"], ["arm64", "arm64"]]) {
    for (const runtime of ["", "bun-"]) {
      const name = `tls-off-${runtime}linux-${machine}`;
      const copies = dockerfile.replaceAll("${RUNTIME}", runtime);
      assert.ok(copies.includes(`COPY dist/${name} /${architecture}/tls-off\n`), name);
    }
  }
  assert.match(dockerfile, /^ARG BASE=[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}$/m);
  assert.ok(dockerfile.includes(`org.opencontainers.image.version="${manifest.version}"`));
});

Deno.test("compose.yaml runs what the Dockerfile makes, on one socket with the application", () => {
  const compose = parseAllDocuments(read("docker/compose.yaml"), { strict: true, uniqueKeys: true })[0].toJS();
  const { problems, config } = load(read("docker/tls-off.toml"));
  assert.deepEqual(problems.map(formatProblem), []);
  const { app, "tls-off": proxy } = compose.services;
  assert.equal(proxy.image, `tls-off:${manifest.version}`);
  assert.deepEqual(proxy.cap_drop, ["ALL"]);
  const [listener] = config!.listeners;
  assert.equal(proxy.ports[0], `443:${(listener.listen[0] as { port: number }).port}`);
  const { to: backend } = listener.backend[0];
  assert.ok(backend.transport === "unix" && app.command[2].includes(`listen("${backend.path}")`));
  for (const { volumes } of [app, proxy]) assert.ok(volumes.includes("socket:/run/app"));
  assert.ok(proxy.volumes.includes("./scripts/deploy/docker/tls-off.toml:/etc/tls-off/tls-off.toml:ro"));
  // Compose refuses both together.
  assert.ok(proxy.read_only && proxy.configs === undefined);
  const dockerfile = read("docker/Dockerfile");
  assert.ok(dockerfile.includes(`USER ${app.user}\n`));
  assert.ok(Number.parseInt(proxy.stop_grace_period) * 1000 > config!.shutdown.graceMs);
  // What the image's health check asks is what the configuration has.
  const asked = /"--admin", "([^"]+)"/.exec(dockerfile)![1];
  const { listen } = config!.admin;
  assert.ok(listen !== null && listen.transport === "tcp");
  assert.equal(`${listen.hostname}:${listen.port}`, asked);
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
