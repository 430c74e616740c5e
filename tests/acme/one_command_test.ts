/**
 * The README's command for a web site, word for word: on ports 443 and 80 of a network of its own, with a `/run` of its
 * own. The one thing added is a file with the directory and its CA, since the command means Let's Encrypt.
 */
import assert from "node:assert/strict";
import { isServed } from "../support/proxies/ordering_proxy.ts";
import { PEBBLE, Pebble } from "../support/peers/pebble.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Program } from "../support/proxies/program.ts";
import { TempDir } from "../support/proxies/proxy.ts";

const NEEDED = [
  ...PEBBLE,
  { command: "curl", debian: "curl" },
  { command: "unshare", debian: "util-linux" },
  { command: "ip", debian: "iproute2" },
];
/** Set in the process that has a network of its own. */
const INSIDE = "TLS_OFF_TEST_OWN_NETWORK";
const FILE = new URL(import.meta.url).pathname;
const LOCK = new URL("../../deno.lock", import.meta.url).pathname;
const ENTER = `PATH="$PATH:/usr/sbin:/sbin"; ip link set lo up && mount --bind "$0" /run && exec "$@"`;

/** Runs a command with a network and a `/run` of its own. */
function separate(run: string, command: string[]): Deno.Command {
  const args = ["--map-root-user", "--mount", "--net", "sh", "-c", ENTER, run, ...command];
  return new Deno.Command("unshare", { args, env: { [INSIDE]: "1" }, stdin: "null", stdout: "piped", stderr: "piped" });
}

function isAllowed(): boolean {
  using dir = new TempDir();
  try {
    return separate(dir.path, ["true"]).outputSync().success;
  } catch {
    return false; // It is not installed: the name says so.
  }
}

if (Deno.env.get(INSIDE) === "1") {
  Deno.test("a web site in one command", serveSite);
} else {
  const lack = isAllowed() ? "" : " [needs namespaces: unshare --map-root-user --mount --net]";
  const name = "a web site in one command: what the README says, word for word, in an empty folder";
  if (lack !== "") Deno.test({ name: name + lack, ignore: true, fn() {} });
  else {
    peerTest(name, NEEDED, async () => {
      using dir = new TempDir();
      // Without the lock file Deno would ask the registry, which that network does not reach.
      const command = [Deno.execPath(), "test", `--lock=${LOCK}`, "-A", "--no-check", "--quiet", FILE];
      const { code, stdout, stderr } = await separate(dir.path, command).output();
      const decoder = new TextDecoder();
      assert.equal(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
      assert.match(decoder.decode(stdout), /1 passed/);
    });
  }
}

async function serveSite(): Promise<void> {
  using folder = new TempDir();
  using elsewhere = new TempDir();
  await using pebble = await Pebble.start({ tlsPort: 443 });
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  const [, words] = /^tls-off (run .* --acme example\.org .*)$/m.exec(readme)!;
  const [, ...flags] = words.split(" ");
  assert.ok(flags.includes(":443") && flags.includes("--redirect"), words);
  const socket = flags[flags.indexOf("--backend") + 1].replace(/^unix:/, "");
  await using _app = Deno.serve(
    { transport: "unix", path: socket, onListen() {} },
    (request) => new Response(`page ${new URL(request.url).pathname}`),
  );
  Deno.writeTextFileSync(elsewhere.file("ca.pem"), pebble.caPem);
  const file = elsewhere.file("authority.toml");
  // Without a file the storage is the folder acme where the command runs.
  const acme = { directory: pebble.directory, ca: "ca.pem", storage: folder.file("acme") };
  const lines = Object.entries(acme).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  Deno.writeTextFileSync(file, `log = { format = "json" }\n[acme]\n${lines.join("\n")}\n`);
  await using program = new Program(["run", file, ...flags], { cwd: folder.path });
  await program.record(isServed, "certificate", 60_000);
  Deno.writeTextFileSync(elsewhere.file("root.pem"), await pebble.root());
  const { text, errors } = await runPeer("curl", [
    ...["--silent", "--show-error", "--location", "--cacert", elsewhere.file("root.pem")],
    ...["--resolve", "example.org:80:127.0.0.1", "--resolve", "example.org:443:127.0.0.1"],
    ...["--write-out", "\n%{url_effective} %{num_redirects}", "http://example.org/hello"],
  ]);
  assert.equal(text, "page /hello\nhttps://example.org/hello 1", errors);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["acme"]);
  assert.equal(Deno.statSync(folder.file("acme")).mode! & 0o777, 0o700);
}
