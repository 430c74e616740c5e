import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { peerTest } from "../support/peers/peers.ts";
import { programCommand } from "../support/proxies/program.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/** Runs a command on a terminal of its own. */
const SCRIPT = { command: "script", debian: "bsdutils" };
const LEAVES_SCREEN = "\x1b[?1049l";

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

for (
  const [told, end, code] of [
    ["q", "q", 0],
    ["SIGTERM", "SIGTERM", 143],
    ["SIGHUP", "SIGHUP", 129],
    ["SIGINT of another process", "SIGINT", 130],
  ] as const
) {
  peerTest(`tls-off top leaves the terminal as it was, ended by ${told}`, [SCRIPT], async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    const listen = `unix:${dir.file("admin.sock")}`;
    await using _proxy = await Proxy.start(dir, backend.address, { config: { admin: { listen } } });
    const [before, pid, exit, after, screen] = ["before", "pid", "exit", "after", "screen"].map((name) =>
      dir.file(name)
    );
    const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    const top = [...programCommand(), "top", "--admin", listen].map(quote).join(" ");
    const session = `stty -g > ${before}; sh -c ${quote(`echo $$ > ${pid}; exec ${top}`)}; ` +
      `echo $? > ${exit}; stty -g > ${after}`;
    const terminal = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--command", session, screen],
      stdin: "piped",
      stdout: "null",
      env: { SHELL: "/bin/sh" },
    }).spawn();
    const keys = terminal.stdin.getWriter();
    try {
      await until(() => textOf(screen).includes("LISTENER"), "the table is on the screen");
      if (end === "q") await keys.write(new TextEncoder().encode(end));
      else Deno.kill(Number(textOf(pid)), end);
      await until(() => textOf(after).length > 0, "the program has ended");
      assert.equal(Number(textOf(exit)), code);
      assert.equal(textOf(after), textOf(before));
      assert.ok(textOf(screen).includes(LEAVES_SCREEN));
    } finally {
      await keys.close();
      await terminal.status;
    }
  });
}

for (
  const [told, body, says] of [
    ["JSON of another program", "{}", "the answer is of another program, is this tls-off?"],
    ["no object", "3", "the answer is no JSON object, is this tls-off?"],
    ["null", "null", "the answer is no JSON object, is this tls-off?"],
  ]
) {
  Deno.test(`tls-off top says in one line that an endpoint answers with ${told}`, async () => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response(body));
    const [file, ...args] = programCommand();
    const address = `127.0.0.1:${server.addr.port}`;
    const { code, stderr } = await new Deno.Command(file, { args: [...args, "top", "--admin", address] }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      new RegExp(`^tls-off: Cannot read /.*: ${says.replace("?", "\\?")}\n$`),
    );
  });
}
