import assert from "node:assert/strict";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { freePort } from "../support/free_port.ts";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/**
 * The recipes of scripts/deploy/recipes, each with the real application behind the program and a real client in front:
 * how the application learns that it was HTTPS, and who may connect to its socket.
 */
const RECIPES = `${ROOT}scripts/deploy/recipes/`;

const CURL = { command: "curl", debian: "curl" };

/** A program of the test, ended with it. What it says goes with the failure of a test. */
class App implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(command: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
    const env = { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/usr/local/go/bin`, ...options.env };
    this.#child = new Deno.Command(command, { args, ...options, env, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself, which the test has told.
    }
    await this.#child.status;
  }
}

function modeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).mode! & 0o777;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/** What curl gets, by HTTPS and the certificate of the test. */
async function get(proxy: Proxy, dir: TempDir): Promise<string> {
  const url = `https://localhost:${proxy.port}/`;
  const { code, text, errors } = await runPeer("curl", [
    "-sS",
    "--max-time",
    "20",
    "--cacert",
    dir.file("cert.pem"),
    url,
  ]);
  assert.equal(code, 0, errors);
  return text;
}

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

peerTest("the recipe of IMAP logs in over implicit TLS, and Dovecot knows the client", [
  CURL,
  { command: "dovecot", debian: "dovecot-imapd" },
], async () => {
  using dir = new TempDir();
  const port = freePort();
  const recipe = Deno.readTextFileSync(`${RECIPES}dovecot.conf`).replace("port = 1143", `port = ${port}`);
  Deno.chmodSync(dir.path, 0o755);
  Deno.mkdirSync(dir.file("mail"), { mode: 0o777 });
  const uid = (await runPeer("id", ["-u", "mail"])).text.trim();
  Deno.writeTextFileSync(
    dir.file("dovecot.conf"),
    [
      `base_dir = ${dir.file("run")}`,
      `state_dir = ${dir.file("run")}`,
      `log_path = ${dir.file("log")}`,
      `mail_location = maildir:${dir.file("mail")}/%u`,
      "ssl = no",
      "auth_mechanisms = plain",
      "first_valid_uid = 1",
      "first_valid_gid = 1",
      "passdb {\n driver = static\n args = password=secret\n}",
      `userdb {\n driver = static\n args = uid=${uid} gid=8 home=${dir.file("mail")}/%u\n}`,
      recipe,
    ].join("\n"),
  );
  await runPeer("chown", ["-R", "mail:mail", dir.file("mail")]);
  await using _dovecot = new App("dovecot", ["-F", "-c", dir.file("dovecot.conf")]);
  await until(() => accepts(port), "Dovecot listens");
  await using proxy = await Proxy.start(dir, `tcp:127.0.0.1:${port}`, {
    listener: { "proxy-protocol": "v2", timeouts: { idle: "35m" } },
  });
  const url = `imaps://localhost:${proxy.port}/`;
  const args = ["-sS", "--max-time", "20", "--cacert", dir.file("cert.pem"), "-u", "user:secret", "-X", "NOOP", url];
  const { code, errors } = await runPeer("curl", args);
  const log = () => Deno.readTextFileSync(dir.file("log"));
  assert.equal(code, 0, `${errors}\n${log()}`);
  assert.match(log(), /imap-login: Info: Login: user=<user>, .*rip=127\.0\.0\.1/);
});

peerTest("the recipe of SMTP takes a message over implicit TLS", [
  CURL,
  { command: "/usr/lib/python3/dist-packages/aiosmtpd/__init__.py", debian: "python3-aiosmtpd" },
], async () => {
  using dir = new TempDir();
  const port = freePort();
  const args = ["-m", "aiosmtpd", "-n", "-l", `127.0.0.1:${port}`, "-c", "aiosmtpd.handlers.Mailbox", dir.file("box")];
  await using _server = new App("/usr/bin/python3", args);
  await until(() => accepts(port), "the server listens");
  await using proxy = await Proxy.start(dir, `tcp:127.0.0.1:${port}`);
  Deno.writeTextFileSync(dir.file("message"), "Subject: hello\r\n\r\nby implicit TLS\r\n");
  const url = `smtps://localhost:${proxy.port}/`;
  const { code, errors } = await runPeer("curl", [
    ...["-sS", "--max-time", "20", "--cacert", dir.file("cert.pem"), url, "--mail-from", "a@example.org"],
    ...["--mail-rcpt", "b@example.org", "--upload-file", dir.file("message")],
  ]);
  assert.equal(code, 0, errors);
  const [{ name }] = [...Deno.readDirSync(dir.file("box/new"))];
  assert.match(Deno.readTextFileSync(dir.file(`box/new/${name}`)), /by implicit TLS/);
});
