/** What the program says on runtimes below its floors, from npm. */
import assert from "node:assert/strict";
import { runCommand } from "../../scripts/build/run_command.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { FLOORS } from "../../src/runtimes/floors.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";

async function withBundle(use: (dir: TempDir, bundle: string, flags: string[]) => Promise<void>): Promise<void> {
  using dir = new TempDir();
  const bundle = dir.file("tls-off.mjs");
  const made = await runCommand([Deno.execPath(), "run", "-A", `${ROOT}scripts/bundle.ts`, bundle]);
  assert.equal(made.code, 0, made.output);
  const { cert, key } = await testCertificate();
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
  const files = ["--cert", dir.file("cert.pem"), "--key", dir.file("key.pem")];
  await use(dir, bundle, ["run", "--listen", "127.0.0.1:0", "--backend", `unix:${dir.file("app.sock")}`, ...files]);
}

Deno.test("Bun 1.3.14 is told to be too old, and serves nothing with either engine", async () => {
  await withBundle(async (_dir, bundle, flags) => {
    const bun = ["npx", "-y", "bun@1.3.14", bundle];
    const version = await runCommand([...bun, "version"]);
    assert.match(version.output, new RegExp(`^needs Bun ${FLOORS.bun.version} or newer$`, "m"));
    for (const engine of ["native", "node"]) {
      const { code, output } = await runCommand([...bun, ...flags, "--engine", engine]);
      assert.equal(code, 1);
      assert.match(
        output,
        new RegExp(`this is Bun 1\\.3\\.14, engine ${engine} needs Bun ${FLOORS.bun.version} or newer`),
      );
    }
  });
});

Deno.test("Deno 2.8.3 is told to be too old, and does not serve with engine node", async () => {
  await withBundle(async (_dir, bundle, flags) => {
    const deno = ["npx", "-y", "deno@2.8.3", "run", "-A", "--no-config", "--unstable-net", bundle];
    const version = await runCommand([...deno, "version"]);
    assert.match(version.output, new RegExp(`^needs Deno ${FLOORS.deno.version} or newer$`, "m"));
    const { code, output } = await runCommand([...deno, ...flags, "--engine", "node"]);
    assert.equal(code, 1);
    assert.match(output, /this is Deno 2\.8\.3, engine node needs Deno 2\.9\.0 or newer/);
  });
});
