import assert from "node:assert/strict";
import { linkSync, lstatSync, readdirSync, symlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { bindUnixPath, checkUnixPath } from "../../src/linux/unix_socket.ts";
import { makeTemporaryDirectory } from "../tls/temporary_directory.ts";

function listening(path: string, answer = ""): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end(answer));
    server.on("error", reject);
    server.listen(path, () => resolve(server));
  });
}

function answerAt(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    connect(path).on("data", (chunk) => text += chunk).on("end", () => resolve(text)).on("error", reject);
  });
}

/** Leaves the file of a socket behind that nobody listens at, as a killed process does. */
async function leaveBehind(path: string): Promise<void> {
  const server = await listening(`${path}.live`);
  // The runtime removes the name that it has bound, and this is another one.
  linkSync(`${path}.live`, path);
  await new Promise((resolve) => server.close(resolve));
  assert.ok(lstatSync(path).isSocket());
}

Deno.test("checkUnixPath() lets a free path and a socket that was left behind pass", async () => {
  await using directory = await makeTemporaryDirectory();
  await checkUnixPath(`${directory.path}/free`);
  await leaveBehind(`${directory.path}/stale`);
  await checkUnixPath(`${directory.path}/stale`);
});

Deno.test("checkUnixPath() refuses a path at which somebody listens, and one that is no socket", async () => {
  await using directory = await makeTemporaryDirectory();
  const server = await listening(`${directory.path}/live`);
  await assert.rejects(checkUnixPath(`${directory.path}/live`), /another process listens there/);
  server.close();
  await directory.write("file", "precious");
  await assert.rejects(checkUnixPath(`${directory.path}/file`), /no socket/);
  symlinkSync("file", `${directory.path}/link`);
  await assert.rejects(checkUnixPath(`${directory.path}/link`), /no socket/);
});

Deno.test("bindUnixPath() takes over from what was left behind, and leaves nothing when released", async () => {
  await using directory = await makeTemporaryDirectory();
  const path = `${directory.path}/app.sock`;
  await leaveBehind(path);
  const { bound, name } = await bindUnixPath(path, (beside) => listening(beside, "new"));
  assert.equal(await answerAt(path), "new");
  assert.deepEqual(readdirSync(directory.path), ["app.sock"]);
  name.release();
  bound.close();
  assert.deepEqual(readdirSync(directory.path), []);
});

Deno.test("bindUnixPath() replaces a socket of ours in one step, and its release spares the new one", async () => {
  await using directory = await makeTemporaryDirectory();
  const path = `${directory.path}/app.sock`;
  const old = await bindUnixPath(path, (beside) => listening(beside, "old"));
  const next = await bindUnixPath(path, (beside) => listening(beside, "next"));
  assert.equal(await answerAt(path), "next");
  old.name.release();
  old.bound.close();
  assert.equal(await answerAt(path), "next");
  next.name.release();
  next.bound.close();
  assert.deepEqual(readdirSync(directory.path), []);
});

Deno.test("bindUnixPath() binds a path that leaves no room for a name beside it", async () => {
  await using directory = await makeTemporaryDirectory();
  const path = `${directory.path}/`.padEnd(107, "x");
  const { bound, name } = await bindUnixPath(path, (beside) => listening(beside, "long"));
  assert.equal(await answerAt(path), "long");
  name.release();
  bound.close();
});
