/** The end-to-end tests that an emulator can bear, on the binaries for arm64 that `deno task build` has made. */
import assert from "node:assert/strict";
import { runCommand } from "../../scripts/build/run_command.ts";
import { HOST } from "../../scripts/build/target.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";

const FILES = ["relay_test.ts", "commands_test.ts", "drain_test.ts"];

for (const name of ["tls-off-linux-arm64", "tls-off-bun-linux-arm64"]) {
  const path = `${ROOT}dist/${name}`;
  const isThere = await Deno.stat(path).then(() => true, () => false);
  Deno.test({
    name: `${name} relays bytes, obeys commands and drains${isThere ? "" : " [needs deno task build]"}`,
    ignore: !isThere || HOST === "arm64",
    async fn() {
      const files = FILES.map((file) => `${ROOT}tests/e2e/${file}`);
      const env = { TLS_OFF_BIN: path, DENO_JOBS: "1" };
      const command = [Deno.execPath(), "run", "-A", `${ROOT}scripts/test.ts`, ...files];
      const { code, output } = await runCommand(command, { env, timeoutMs: 3_600_000 });
      assert.equal(code, 0, output);
    },
  });
}
