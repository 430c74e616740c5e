import assert from "node:assert/strict";
import { runCommand } from "../../scripts/build/run_command.ts";
import { HOST } from "../../scripts/build/target.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { shareFiles, writeShareFiles } from "../../scripts/reference/share.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

const SCRIPT = `${ROOT}scripts/install.sh`;

/** What a binary is to the script: it runs, and says that it is tls-off. */
const binaryOn = (runtime: string) => `#!/bin/sh\necho "tls-off 0.1.0 on ${runtime}"\n`;

/** A directory as `deno task build` makes it, with an empty one beside it. */
async function withRelease(use: (release: string, prefix: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const release = `${directory}/re lease`;
    await writeShareFiles(`${release}/share`, "2000-01-01");
    await Deno.copyFile(SCRIPT, `${release}/install.sh`);
    await Deno.writeTextFile(`${release}/tls-off-bun-linux-${HOST}`, binaryOn("Bun"));
    await use(release, `${directory}/pre fix`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function files(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) found.push(...await files(path));
    else found.push(path);
  }
  return found.sort();
}

Deno.test("install.sh installs the binary, the man page and the completions, and takes them away again", async () => {
  await withRelease(async (release, prefix) => {
    const install = (...args: string[]) => runCommand(["sh", `${release}/install.sh`, "--prefix", prefix, ...args]);
    assert.equal((await install()).code, 0);
    const installed = [...shareFiles("2000-01-01").keys()].map((name) => `${prefix}/share/${name}`);
    assert.deepEqual(await files(prefix), [`${prefix}/bin/tls-off`, ...installed].sort());
    assert.equal(await Deno.readTextFile(`${prefix}/bin/tls-off`), binaryOn("Bun"));
    assert.equal((await Deno.stat(`${prefix}/bin/tls-off`)).mode! & 0o777, 0o755);
    assert.equal((await Deno.stat(installed[0])).mode! & 0o777, 0o644);

    // With both it is the one on Bun; without that, the one on Deno.
    await Deno.writeTextFile(`${release}/tls-off-linux-${HOST}`, binaryOn("Deno"));
    assert.equal((await install()).code, 0);
    assert.equal(await Deno.readTextFile(`${prefix}/bin/tls-off`), binaryOn("Bun"));
    await Deno.remove(`${release}/tls-off-bun-linux-${HOST}`);
    assert.equal((await install()).code, 0);
    assert.equal(await Deno.readTextFile(`${prefix}/bin/tls-off`), binaryOn("Deno"));

    await Deno.writeTextFile(`${prefix}/bin/other`, "not ours");
    const { code, output } = await install("--uninstall");
    assert.equal(code, 0);
    assert.match(output, /removed .*bin\/tls-off\n/);
    assert.deepEqual(await files(prefix), [`${prefix}/bin/other`]);
    assert.deepEqual(await install("--uninstall"), { code: 0, output: "" });
  });
});

Deno.test("install.sh puts DESTDIR in front of the prefix", async () => {
  await withRelease(async (release, prefix) => {
    const { code } = await runCommand(["sh", `${release}/install.sh`, "--prefix=/usr"], { env: { DESTDIR: prefix } });
    assert.equal(code, 0);
    assert.ok((await Deno.stat(`${prefix}/usr/bin/tls-off`)).isFile);
  });
});

Deno.test("install.sh takes the binary that it is given, also while the installed one runs", async () => {
  await withRelease(async (release, prefix) => {
    // With DESTDIR, since sleep would not pass for tls-off.
    const install = (binary: string) =>
      runCommand(["sh", `${release}/install.sh`, "--prefix", "/", "--binary", binary], { env: { DESTDIR: prefix } });
    const sleep = (await runPeer("sh", ["-c", "command -v sleep"])).text.trim();
    assert.equal((await install(sleep)).code, 0);
    const running = new Deno.Command(`${prefix}/bin/tls-off`, { args: ["60"] }).spawn();
    try {
      assert.equal((await install(sleep)).code, 0);
    } finally {
      running.kill("SIGKILL");
      await running.status;
    }
  });
});

Deno.test("install.sh says what is wrong in one line, and installs nothing", async () => {
  await withRelease(async (release, prefix) => {
    const cases: [string[], number, RegExp][] = [
      [["--prefix", "relative"], 2, /--prefix must be an absolute path/],
      [["--prefix"], 2, /Missing value of --prefix/],
      [["--binary="], 2, /Missing value of --binary/],
      [["--uninstall", "--binary", "x"], 2, /Cannot use --binary with --uninstall/],
      [["--fast"], 2, /Unknown argument "--fast"/],
      [["--prefix", prefix, "--binary", "/nonexistent"], 1, /Cannot find the binary "\/nonexistent"/],
      [["--prefix", "/proc/none"], 1, /^install\.sh: Cannot install to "\/proc\/none": [^\n]*another --prefix\n$/],
    ];
    for (const [args, status, said] of cases) {
      const { code, output } = await runCommand(["sh", `${release}/install.sh`, ...args]);
      assert.equal(code, status, args.join(" "));
      assert.match(output, said);
    }
    await Deno.remove(`${release}/tls-off-bun-linux-${HOST}`);
    const { code, output } = await runCommand(["sh", `${release}/install.sh`, "--prefix", prefix]);
    assert.equal(code, 1);
    assert.match(output, /^install\.sh: Cannot find tls-off-bun-linux-.*: run deno task build\n$/);
    await assert.rejects(Deno.stat(prefix), Deno.errors.NotFound);
  });
});

Deno.test("install.sh refuses what is not tls-off, and keeps what was installed", async () => {
  await withRelease(async (release, prefix) => {
    const install = (...args: string[]) => runCommand(["sh", `${release}/install.sh`, "--prefix", prefix, ...args]);
    assert.equal((await install()).code, 0);
    const before = await files(prefix);
    const { code, output } = await install("--binary", SCRIPT);
    assert.equal(code, 1);
    assert.match(output, /^install\.sh: Cannot install ".*install\.sh": does not run here as tls-off: .*\n$/);
    assert.deepEqual(await files(prefix), before);
    assert.equal(await Deno.readTextFile(`${prefix}/bin/tls-off`), binaryOn("Bun"));
  });
});

peerTest("shellcheck finds nothing in install.sh", [{ command: "shellcheck", debian: "shellcheck" }], async () => {
  assert.equal((await runPeer("shellcheck", [SCRIPT])).text, "");
});

Deno.test("install.sh installs the unit on request, keeps a configuration that is there, and says what is next", async () => {
  await withRelease(async (release, root) => {
    const units = `${ROOT}scripts/deploy/systemd`;
    await Deno.mkdir(`${release}/systemd`);
    for (const name of ["tls-off.service", "tls-off.socket", "tls-off.sysusers", "tls-off.toml"]) {
      await Deno.copyFile(`${units}/${name}`, `${release}/systemd/${name}`);
    }
    const install = (...args: string[]) =>
      runCommand(["sh", `${release}/install.sh`, "--prefix=/opt/it", ...args], { env: { DESTDIR: root } });
    const first = await install("--systemd");
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /^Next:$/m);
    const unit = await Deno.readTextFile(`${root}/etc/systemd/system/tls-off.service`);
    assert.match(unit, /^ExecStart=\/opt\/it\/bin\/tls-off run \/etc\/tls-off\/tls-off\.toml$/m);
    await Deno.writeTextFile(`${root}/etc/tls-off/tls-off.toml`, "mine");
    assert.match((await install("--systemd")).output, /^kept .*tls-off\.toml$/m);
    assert.equal(await Deno.readTextFile(`${root}/etc/tls-off/tls-off.toml`), "mine");
    const removed = await install("--uninstall");
    assert.equal(removed.code, 0, removed.output);
    assert.deepEqual(await files(root), [`${root}/etc/tls-off/tls-off.toml`]);
  });
});

Deno.test("install.sh takes no binary whose checksum is another than the release says", async () => {
  await withRelease(async (release, prefix) => {
    const name = `tls-off-bun-linux-${HOST}`;
    const sums = async () => {
      const { output } = await runCommand(["sha256sum", name], { cwd: release });
      await Deno.writeTextFile(`${release}/SHA256SUMS`, `${output}${"0".repeat(64)}  tls-off-other\n`);
    };
    const install = () => runCommand(["sh", `${release}/install.sh`, "--prefix", prefix]);
    await sums();
    assert.equal((await install()).code, 0);
    await Deno.writeTextFile(`${release}/${name}`, `${binaryOn("Bun")}# planted\n`);
    const { code, output } = await install();
    assert.equal(code, 1);
    assert.match(output, /its checksum is not that of SHA256SUMS, download it again/);
  });
});
