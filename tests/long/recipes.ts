import assert from "node:assert/strict";
import { accepts, get, modeOf, RecipeApp as App, RECIPES } from "../support/applications/recipe_app.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/**
 * The recipes of scripts/deploy/recipes, each with the real application behind the program and a real client in front:
 * how the application learns that it was HTTPS, and who may connect to its socket. Those of mail: mail_recipes.ts.
 */
const CURL = { command: "curl", debian: "curl" };

/** Starts an application on a Unix socket, and asserts its mode and what curl hears of it. */
async function onSocket(start: (path: string) => App, mode: number, answer: string): Promise<void> {
  using dir = new TempDir();
  const path = dir.file("app.sock");
  await using _app = start(path);
  await until(() => modeOf(path) === mode, `the application listens, with mode ${mode.toString(8)}`, 60_000);
  await using proxy = await Proxy.start(dir, `unix:${path}`);
  assert.equal(await get(proxy, dir), answer);
}

peerTest("the recipe of Express says https, on a socket of mode 0660", [
  CURL,
  { command: "node", debian: "nodejs" },
  { command: "/usr/share/nodejs/express/index.js", debian: "node-express" },
], async () => {
  const env = { NODE_PATH: "/usr/share/nodejs" };
  await onSocket((path) => new App("node", [`${RECIPES}express.js`, path], { env }), 0o660, "https true");
});

peerTest("the recipe of Django says https, on a socket of mode 0660", [
  CURL,
  { command: "/usr/bin/gunicorn", debian: "gunicorn" },
  { command: "/usr/lib/python3/dist-packages/django/__init__.py", debian: "python3-django" },
], async () => {
  const options = { cwd: RECIPES, env: { PYTHONDONTWRITEBYTECODE: "1" } };
  const start = (path: string) =>
    new App("/usr/bin/gunicorn", ["--umask", "0117", "--bind", `unix:${path}`, "django_app:application"], options);
  await onSocket(start, 0o660, "https True");
});

peerTest("the recipe of Rails says https, on a socket of mode 0660", [
  CURL,
  { command: "puma", debian: "puma" },
  { command: "rails", debian: "rails" },
], async () => {
  const start = (path: string) => new App("puma", ["-b", `unix://${path}?umask=0117`, `${RECIPES}rails_app.ru`]);
  await onSocket(start, 0o660, "https true");
});

peerTest("the recipe of Spring says https, on a socket of mode 0660", [
  CURL,
  { command: "java", debian: "default-jdk" },
  { command: "mvn", debian: "maven" },
], async () => {
  using built = new TempDir();
  assert.equal((await runPeer("cp", ["-r", `${RECIPES}spring/.`, built.path])).code, 0);
  const { code, text } = await runPeer("mvn", ["-q", "-B", "-f", built.file("pom.xml"), "package"]);
  assert.equal(code, 0, text);
  const start = (path: string) => new App("java", ["-jar", built.file("target/app-1.jar"), `--socket=${path}`]);
  await onSocket(start, 0o660, "https true");
});

peerTest(
  "the recipe of Go listens on a socket of mode 0660",
  [CURL, { command: "go", debian: "golang-go" }],
  async () => {
    using built = new TempDir();
    const program = built.file("app");
    const env = { GOCACHE: built.file("cache"), HOME: built.path };
    const { code, stderr } = await new Deno.Command("go", { args: ["build", "-o", program, `${RECIPES}app.go`], env })
      .output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    await onSocket((path) => new App(program, [path]), 0o660, "https");
    await runPeer("chmod", ["-R", "u+w", built.path]);
  },
);

peerTest("the recipe of Java listens on the loopback", [CURL, { command: "java", debian: "default-jdk" }], async () => {
  using dir = new TempDir();
  const port = freePort();
  await using _app = new App("java", [`${RECIPES}App.java`, String(port)]);
  await until(() => accepts(port), "the application listens", 60_000);
  await using proxy = await Proxy.start(dir, `tcp:127.0.0.1:${port}`);
  assert.equal(await get(proxy, dir), "https");
});

peerTest("the recipe of nginx passes on that it was HTTPS", [CURL, { command: "nginx", debian: "nginx" }], async () => {
  using dir = new TempDir();
  const path = dir.file("nginx.sock");
  const app = dir.file("behind.sock");
  const recipe = Deno.readTextFileSync(`${RECIPES}nginx.conf`).replaceAll("/run/nginx/app.sock", path).replaceAll(
    "/run/app/app.sock",
    app,
  );
  const behind =
    `server { listen unix:${app}; location / { return 200 "$http_x_forwarded_proto $http_x_forwarded_for"; } }`;
  await using _nginx = await Nginx.start(dir.path, `${recipe}\n${behind}`, path);
  await using proxy = await Proxy.start(dir, `unix:${path}`, { listener: { "proxy-protocol": "v2" } });
  assert.equal(await get(proxy, dir), "https 127.0.0.1");
});

peerTest("the recipe of server-sent events delivers each event as it is sent", [CURL], async () => {
  using dir = new TempDir();
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  const path = dir.file("app.sock");
  await using _server = Deno.serve({ transport: "unix", path, onListen: () => {} }, () => {
    const events = async function* () {
      yield new TextEncoder().encode("data: first\n\n");
      await released;
      yield new TextEncoder().encode("data: second\n\n");
    };
    return new Response(ReadableStream.from(events()), { headers: { "content-type": "text/event-stream" } });
  });
  await using proxy = await Proxy.start(dir, `unix:${path}`);
  const curl = new Deno.Command("curl", {
    args: ["-sSN", "--max-time", "20", "--cacert", dir.file("cert.pem"), `https://localhost:${proxy.port}/`],
    stdout: "piped",
  }).spawn();
  let seen = "";
  for await (const chunk of curl.stdout.pipeThrough(new TextDecoderStream())) {
    seen += chunk;
    // The second is only sent when the first has arrived.
    if (seen.includes("first")) release();
  }
  assert.equal(seen, "data: first\n\ndata: second\n\n");
  await curl.status;
});

peerTest("the recipe of Redis serves redis-cli --tls", [{ command: "redis-server", debian: "redis" }], async () => {
  using dir = new TempDir();
  const path = dir.file("redis.sock");
  const args = ["--port", "0", "--unixsocket", path, "--unixsocketperm", "770", "--save", "", "--dir", dir.path];
  await using _redis = new App("redis-server", args);
  await until(() => modeOf(path) === 0o770, "Redis listens");
  await using proxy = await Proxy.start(dir, `unix:${path}`);
  const ask = async (...command: string[]) => {
    const tls = ["--tls", "--cacert", dir.file("cert.pem"), "--sni", "localhost", "-p", String(proxy.port)];
    return (await runPeer("redis-cli", [...tls, ...command])).text.trim();
  };
  assert.equal(await ask("SET", "key", "value"), "OK");
  assert.equal(await ask("GET", "key"), "value");
});

peerTest("the recipe of MQTT serves mosquitto's clients", [
  { command: "mosquitto", debian: "mosquitto" },
  { command: "mosquitto_pub", debian: "mosquitto-clients" },
], async () => {
  using dir = new TempDir();
  const port = freePort();
  Deno.writeTextFileSync(dir.file("mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  await using _broker = new App("mosquitto", ["-c", dir.file("mosquitto.conf")]);
  await until(() => accepts(port), "the broker listens");
  await using proxy = await Proxy.start(dir, `tcp:127.0.0.1:${port}`);
  const tls = ["-h", "localhost", "-p", String(proxy.port), "--cafile", dir.file("cert.pem"), "-t", "topic"];
  assert.equal((await runPeer("mosquitto_pub", [...tls, "-q", "1", "-r", "-m", "hello"])).code, 0);
  const { text, errors } = await runPeer("mosquitto_sub", [...tls, "-C", "1", "-W", "20"]);
  assert.equal(text, "hello\n", errors);
});
