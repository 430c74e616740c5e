import assert from "node:assert/strict";
import { parse } from "yaml";
import manifest from "../../deno.json" with { type: "json" };
import { runCommand } from "../../scripts/build/run_command.ts";
import { HOST } from "../../scripts/build/target.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { until } from "../support/wait.ts";
import { Podman } from "./support/containers.ts";

/**
 * The image, built as the documents say with what `deno task build` made, and run as compose.yaml says. Bases of
 * registries are replaced: one is made of this machine's C library, the application's of its Node.
 */
const DOCKER = `${ROOT}scripts/deploy/docker/`;
const DIST = Deno.env.get("TLS_OFF_DIST") ?? `${ROOT}dist`;
const RUNTIMES = { deno: "", bun: "bun-" };
const BINARIES = Object.values(RUNTIMES).flatMap((prefix) =>
  ["x64", "arm64"].map((machine) => `tls-off-${prefix}linux-${machine}`)
);
const BASE = "localhost/base:nonroot";

type Service = {
  image: string;
  user?: string;
  command?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  volumes: string[];
};

const compose = parse(Deno.readTextFileSync(`${DOCKER}compose.yaml`)) as {
  services: { app: Service; "tls-off": Service };
  volumes: { socket: { driver_opts: Record<string, string> } };
};

/** What compose makes of a service, but for networks. */
const flags = ({ user, read_only, cap_drop = [], security_opt = [] }: Service, volumes: string[]) => [
  ...user === undefined ? [] : ["--user", user],
  ...read_only ? ["--read-only", "--read-only-tmpfs=false"] : [],
  ...cap_drop.flatMap((name) => ["--cap-drop", name]),
  ...security_opt.flatMap((option) => ["--security-opt", option.replace(/:true$/, "")]),
  ...volumes.flatMap((volume) => ["--volume", volume]),
];

/** A folder with what the image is built from, certificates and the configuration. */
async function prepare(podman: Podman): Promise<string> {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/dist`);
  for (const name of BINARIES) await Deno.copyFile(`${DIST}/${name}`, `${directory}/dist/${name}`);
  const own = BINARIES.filter((name) => name.endsWith(HOST)).map((name) => `${DIST}/${name}`);
  await podman.importImage(BASE, {}, own);
  const { text: node } = await runPeer("node", ["-p", "process.execPath"]);
  const programs = { "/bin/sh": "/bin/sh", "/bin/rm": "/bin/rm", "/bin/node": node.trim() };
  await podman.importImage(compose.services.app.image, programs, Object.values(programs));
  await newCertificate(directory);
  // Read by another user than this one.
  await Deno.chmod(directory, 0o755);
  return directory;
}

/** Writes into the files that are there: a container has them, and not the folder's names. */
async function newCertificate(directory: string): Promise<void> {
  const [binary] = BINARIES.filter((name) => name.endsWith(HOST));
  const { code, output } = await runCommand([`${DIST}/${binary}`, "cert", "--out", `${directory}/new`]);
  assert.equal(code, 0, output);
  await Deno.mkdir(`${directory}/certs`, { recursive: true });
  for (const name of ["key.pem", "cert.pem"]) {
    const path = `${directory}/certs/${name}`;
    await Deno.writeTextFile(path, await Deno.readTextFile(`${directory}/new/${name}`), { mode: 0o644 });
    await Deno.remove(`${directory}/new/${name}`);
  }
  await Deno.chown(`${directory}/certs/key.pem`, 65532, 65532);
  await Deno.chmod(`${directory}/certs/key.pem`, 0o600);
}

async function becomesService(podman: Podman, directory: string, prefix: string): Promise<void> {
  const { app, "tls-off": proxy } = compose.services;
  const build = ["--format", "docker", "--layers=false", "--quiet", "-f", `${DOCKER}Dockerfile`, "-t", proxy.image];
  await podman.run("build", ...build, "--build-arg", `BASE=${BASE}`, "--build-arg", `RUNTIME=${prefix}`, directory);

  const { Config: image } = JSON.parse(await podman.run("inspect", "--type", "image", proxy.image))[0];
  assert.equal(image.User, "65532:65532");
  assert.equal(image.Labels["org.opencontainers.image.version"], manifest.version);
  const options = compose.volumes.socket.driver_opts;
  await podman.run(
    "volume",
    "create",
    ...Object.entries(options).flatMap(([key, value]) => {
      return ["--opt", `${key}=${value}`];
    }),
    "socket",
  );
  await podman.start("app", app.image, flags(app, app.volumes), ...app.command!);
  const mounts = proxy.volumes.map((volume) =>
    volume.replace(/^\.\/certs:/, `${directory}/certs:`).replace(/^\.\//, ROOT)
  );
  await podman.start("proxy", proxy.image, flags(proxy, mounts));

  const { State: { Pid: pid } } = JSON.parse(await podman.run("inspect", "proxy"))[0];
  const inside = (...command: string[]) => runPeer("nsenter", ["--target", `${pid}`, "--net", ...command]);
  const url = "https://localhost:8443";
  const get = (path = "/") =>
    inside("curl", "-sS", "--max-time", "20", "--cacert", `${directory}/certs/cert.pem`, url + path);
  await until(async () => (await get()).text === "hello\n", "the image serves the application of compose.yaml");
  assert.deepEqual((await podman.try("healthcheck", "run", "proxy")).code, 0);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);

  // A renewed pair, by the files alone, and by a signal.
  await newCertificate(directory);
  await until(async () => (await get()).code === 0, "the new certificate is served");
  const logs = async () => (await podman.try("logs", "proxy")).errors;
  await podman.run("kill", "--signal", "HUP", "proxy");
  await until(async () => (await logs()).includes('"cause":"SIGHUP"'), "the signal reloads");

  // A request that is under way when the container is to stop is answered.
  const client = new Deno.Command("nsenter", {
    args: ["--target", `${pid}`, "--net", "openssl", "s_client", "-quiet", "-connect", "localhost:8443"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const request = client.stdin.getWriter();
  await request.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n"));
  await until(() => holdsConnection(inside), "the request is under way");
  const stopping = podman.run("stop", "--time", `${Number.parseInt(proxy.stop_grace_period!)}`, "proxy");
  await until(async () => (await logs()).includes('"event":"drain"'), "the container drains");
  await request.write(new TextEncoder().encode("Connection: close\r\n\r\n"));
  assert.match(new TextDecoder().decode((await client.output()).stdout), /\r\n\r\n[^]*hello\n/);
  await stopping;
  assert.match(await logs(), /"outcome":"drained","cut":0/);
  const { State: { ExitCode } } = JSON.parse(await podman.run("inspect", "proxy"))[0];
  assert.equal(ExitCode, 0);
  await podman.run("rm", "--all", "--force", "--time", "0");
  await podman.run("volume", "rm", "socket");
}

/** Whether the program says by its admin endpoint that it has a connection. */
async function holdsConnection(inside: (...command: string[]) => ReturnType<typeof runPeer>): Promise<boolean> {
  const { text } = await inside("curl", "-sS", "http://127.0.0.1:9180/metrics");
  return /^tls_off_connections_active\{[^}]*\} [1-9]/m.test(text);
}

const NAME = "the image serves, is healthy, reloads and drains, as compose.yaml runs it";
const PEERS = [
  { command: "podman", debian: "podman" },
  { command: "runc", debian: "runc" },
  { command: "nsenter", debian: "util-linux" },
  { command: "openssl", debian: "openssl" },
  { command: "curl", debian: "curl" },
  { command: "node", debian: "nodejs" },
  ...BINARIES.map((name) => ({ command: `${DIST}/${name}`, debian: "no package: deno task build" })),
];

async function serves(): Promise<void> {
  await using podman = await Podman.start();
  const directory = await prepare(podman);
  try {
    for (const prefix of Object.values(RUNTIMES)) await becomesService(podman, directory, prefix);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (Deno.uid() === 0) peerTest(NAME, PEERS, serves);
else Deno.test({ name: `${NAME} [needs root]`, ignore: true, fn: serves });
