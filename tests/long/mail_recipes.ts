import assert from "node:assert/strict";
import { accepts, modeOf, RecipeApp, RECIPES } from "../support/applications/recipe_app.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/** The recipes of mail, with the real servers behind the program: each knows the client, and who logs in. */
const CURL = { command: "curl", debian: "curl" };
const DOVECOT = { command: "dovecot", debian: "dovecot-imapd" };

/** What the recipe leaves to the server's own configuration: one user's password, mail below the folder. */
async function dovecotConf(dir: TempDir, more: string[]): Promise<void> {
  const uid = (await runPeer("id", ["-u", "mail"])).text.trim();
  // Its processes are other users.
  Deno.chmodSync(dir.path, 0o755);
  Deno.mkdirSync(dir.file("mail"), { mode: 0o777 });
  await runPeer("chown", ["-R", "mail:mail", dir.file("mail")]);
  const lines = [
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
    ...more,
  ];
  Deno.writeTextFileSync(dir.file("dovecot.conf"), lines.join("\n"));
}

peerTest("the recipe of IMAP logs in over implicit TLS, and Dovecot knows the client", [CURL, DOVECOT], async () => {
  using dir = new TempDir();
  const port = freePort();
  await dovecotConf(dir, [Deno.readTextFileSync(`${RECIPES}dovecot.conf`).replace("port = 1143", `port = ${port}`)]);
  await using _dovecot = new RecipeApp("dovecot", ["-F", "-c", dir.file("dovecot.conf")]);
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

peerTest("the recipe of Postfix takes a message over implicit TLS from who logs in, and knows the client", [
  CURL,
  DOVECOT,
  { command: "postfix", debian: "postfix" },
], async () => {
  using dir = new TempDir();
  const port = freePort();
  await dovecotConf(dir, [
    "protocols =",
    "disable_plaintext_auth = no",
    `service auth {\n unix_listener ${dir.file("queue/private/auth")} {\n  mode = 0666\n }\n}`,
  ]);
  await postfixFolder(dir, Deno.readTextFileSync(`${RECIPES}postfix-master.cf`).replace(":1465", `:${port}`));
  const postfix = (command: string) => runPeer("postfix", ["-c", dir.file("postfix"), command]);
  const started = await postfix("start");
  assert.equal(started.code, 0, started.errors);
  // Its processes are not the command's children.
  await using _postfix = { [Symbol.asyncDispose]: async () => void await postfix("stop") };
  await until(() => accepts(port), "Postfix listens");
  await using _dovecot = new RecipeApp("dovecot", ["-F", "-c", dir.file("dovecot.conf")]);
  await until(() => modeOf(dir.file("queue/private/auth")) === 0o666, "Dovecot answers who may log in");
  await using proxy = await Proxy.start(dir, `tcp:127.0.0.1:${port}`, { listener: { "proxy-protocol": "v2" } });
  Deno.writeTextFileSync(dir.file("message"), "Subject: hello\r\n\r\nby implicit TLS\r\n");
  const send = (...more: string[]) =>
    runPeer("curl", [
      ...["-sS", "--max-time", "20", "--cacert", dir.file("cert.pem"), `smtps://localhost:${proxy.port}/`],
      ...["--mail-from", "a@example.org", "--mail-rcpt", "b@example.org", "--upload-file", dir.file("message")],
      ...more,
    ]);
  const refused = await send();
  assert.notEqual(refused.code, 0);
  assert.match(refused.errors, /55[0-9]/);
  const taken = await send("-u", "user:secret");
  assert.equal(taken.code, 0, taken.errors);
  const box = dir.file("mail/b/new");
  await until(() => modeOf(box) !== undefined && [...Deno.readDirSync(box)].length === 1, "the message is delivered");
  const [{ name }] = [...Deno.readDirSync(box)];
  assert.match(Deno.readTextFileSync(`${box}/${name}`), /by implicit TLS/);
  assert.match(
    Deno.readTextFileSync(dir.file("data/log")),
    /client=\S*\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=user/,
  );
});

/** A Postfix of its own, which delivers into the folder. */
async function postfixFolder(dir: TempDir, recipe: string): Promise<void> {
  for (const name of ["postfix", "queue", "data"]) Deno.mkdirSync(dir.file(name), { mode: 0o755 });
  await runPeer("chown", ["postfix", dir.file("data")]);
  const main = {
    compatibility_level: "3.6",
    queue_directory: dir.file("queue"),
    data_directory: dir.file("data"),
    myhostname: "mail.example.org",
    mydestination: "",
    inet_protocols: "ipv4",
    // Not even this machine may send without a login.
    mynetworks: "192.0.2.1",
    virtual_mailbox_domains: "example.org",
    virtual_mailbox_base: dir.file("mail"),
    virtual_mailbox_maps: "inline:{ b@example.org=b/ }",
    virtual_uid_maps: `static:${(await runPeer("id", ["-u", "mail"])).text.trim()}`,
    virtual_gid_maps: "static:8",
    virtual_minimum_uid: "1",
    smtpd_sasl_type: "dovecot",
    smtpd_sasl_path: "private/auth",
    maillog_file: dir.file("data/log"),
    maillog_file_prefixes: dir.path,
  };
  const lines = Object.entries(main).map(([key, value]) => `${key} = ${value}\n`);
  Deno.writeTextFileSync(dir.file("postfix/main.cf"), lines.join(""));
  const services = [
    "postlog unix-dgram n - n - 1 postlogd",
    "cleanup unix n - y - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - y - - trivial-rewrite",
    "bounce unix - - y - 0 bounce",
    "defer unix - - y - 0 bounce",
    "virtual unix - n n - - virtual",
    "anvil unix - - y - 1 anvil",
    "proxymap unix - - n - - proxymap",
  ];
  Deno.writeTextFileSync(dir.file("postfix/master.cf"), `${recipe}\n${services.join("\n")}\n`);
}
