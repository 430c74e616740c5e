import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { sha256 } from "../../scripts/build/checksums.ts";
import { makePackages } from "../../scripts/build/packages/packages.ts";
import { runCommand } from "../../scripts/build/run_command.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { writeShareFiles } from "../../scripts/reference/share.ts";
import { releaseNotes } from "../../scripts/release/notes.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

const TIME = new Date("2026-01-02T03:04:05Z");
const BINARIES = ["tls-off-linux-x64", "tls-off-bun-linux-arm64"];
const DPKG = { command: "dpkg-deb", debian: "dpkg" };
const LINTIAN = { command: "lintian", debian: "lintian" };
const NPM = { command: "npm", debian: "npm" };

let prepared: Promise<string> | undefined;

/** A folder as the build leaves it, with small programs in the binaries' place; removed at the end. */
function buildFolder(): Promise<string> {
  return prepared ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "tls-off-packages-" });
    addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    const bundled = await runCommand([
      Deno.execPath(),
      "run",
      "-A",
      `${ROOT}scripts/bundle.ts`,
      `${directory}/tls-off.mjs`,
    ]);
    assert.equal(bundled.code, 0, bundled.output);
    for (const name of BINARIES) {
      await Deno.writeTextFile(`${directory}/${name}`, "#!/bin/sh\necho tls-off\n", { mode: 0o755 });
    }
    await writeShareFiles(`${directory}/share`, "2026-01-02");
    await Deno.copyFile(`${ROOT}scripts/install.sh`, `${directory}/install.sh`);
    await Deno.copyFile(`${ROOT}LICENSE`, `${directory}/LICENSES`);
    await Deno.mkdir(`${directory}/systemd`);
    for (const name of ["tls-off.service", "tls-off.socket", "tls-off.sysusers", "tls-off.toml"]) {
      await Deno.copyFile(`${ROOT}scripts/deploy/systemd/${name}`, `${directory}/systemd/${name}`);
    }
    return directory;
  })();
}

const make = async () => {
  const directory = await buildFolder();
  return { directory, ...await makePackages({ directory, binaries: BINARIES, time: TIME }) };
};

peerTest("packages are made for each binary and machine, and are the same each time", [DPKG], async () => {
  const { directory, names, skipped } = await make();
  assert.deepEqual(skipped, []);
  assert.deepEqual(names, [
    `tls-off-${manifest.version}-linux-x64.tar.gz`,
    `tls-off-${manifest.version}-bun-linux-arm64.tar.gz`,
    `tls-off_${manifest.version}_amd64.deb`,
    `tls-off_${manifest.version}_arm64.deb`,
    "tls-off.cdx.json",
  ]);
  const sums = async () =>
    await Promise.all(names.map(async (name) => sha256(await Deno.readFile(`${directory}/${name}`))));
  const first = await sums();
  await make();
  assert.deepEqual(await sums(), first);
});

peerTest("the Debian package is clean to lintian, and says what it holds", [DPKG, LINTIAN], async () => {
  const { directory, names } = await make();
  for (const name of names.filter((name) => name.endsWith(".deb"))) {
    const { code, text, errors } = await runPeer("lintian", [
      "--allow-root",
      "--fail-on",
      "error",
      `${directory}/${name}`,
    ]);
    assert.equal(code, 0, text + errors);
    const { text: info } = await runPeer("dpkg-deb", ["--info", `${directory}/${name}`]);
    assert.match(info, name.includes("amd64") ? /\(on Deno\)/ : /\(on Bun\)/);
    const { text: contents } = await runPeer("dpkg-deb", ["--contents", `${directory}/${name}`]);
    for (
      const path of [
        "./usr/bin/tls-off",
        "./lib/systemd/system/tls-off.service",
        "./usr/lib/sysusers.d/tls-off.conf",
        "./etc/tls-off/tls-off.toml",
        "./usr/share/man/man1/tls-off.1.gz",
        "./usr/share/zsh/vendor-completions/_tls-off",
      ]
    ) assert.match(contents, new RegExp(`root/root .* ${path.replaceAll(".", "\\.")}$`, "m"));
    assert.doesNotMatch(contents, /usr\/local/);
    const { text: unit } = await runPeer("sh", [
      "-c",
      'dpkg-deb --fsys-tarfile "$1" | tar -xO ./lib/systemd/system/tls-off.service',
      "sh",
      `${directory}/${name}`,
    ]);
    assert.match(unit, /^ExecStart=\/usr\/bin\/tls-off run /m);
  }
});

peerTest(
  "a tarball has the binary with all that is installed beside it",
  [{ command: "tar", debian: "tar" }],
  async () => {
    const { directory } = await make();
    const folder = `tls-off-${manifest.version}-linux-x64`;
    const { text } = await runPeer("tar", ["-tzf", `${directory}/${folder}.tar.gz`]);
    for (
      const path of [
        "tls-off-linux-x64",
        "install.sh",
        "LICENSES",
        "share/man/man1/tls-off.1",
        "systemd/tls-off.service",
      ]
    ) {
      assert.ok(text.split("\n").includes(`${folder}/${path}`), path);
    }
  },
);

Deno.test("the bill of materials names every package of the program, each with its checksum", async () => {
  const { directory } = await make();
  const bill = JSON.parse(await Deno.readTextFile(`${directory}/tls-off.cdx.json`));
  assert.deepEqual([bill.bomFormat, bill.specVersion, bill.metadata.timestamp], [
    "CycloneDX",
    "1.6",
    TIME.toISOString(),
  ]);
  const names = bill.components.map(({ name }: { name: string }) => name);
  for (const name of ["smol-toml", "@peculiar/x509", "ipaddr.js", "prom-client", "uplot"]) {
    assert.ok(names.includes(name), name);
  }
  for (const { purl, hashes: [{ alg, content }] } of bill.components) {
    assert.match(purl, /^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@\d/);
    assert.equal(alg, "SHA-512");
    assert.match(content, /^[0-9a-f]{128}$/);
  }
});

peerTest("the npm package installs, and runs on Node", [NPM, { command: "node", debian: "nodejs" }], async () => {
  const { directory } = await make();
  const target = await Deno.makeTempDir({ prefix: "tls-off-npm-" });
  try {
    const packed = await runPeer("npm", ["pack", "--silent", "--pack-destination", target, `${directory}/npm`]);
    assert.equal(packed.code, 0, packed.errors);
    const archive = `${target}/tls-off-${manifest.version}.tgz`;
    const installed = await runPeer("npm", [
      "install",
      "--silent",
      "--offline",
      "--no-audit",
      "--prefix",
      target,
      archive,
    ]);
    assert.equal(installed.code, 0, installed.errors);
    const { code, text } = await runPeer(`${target}/node_modules/.bin/tls-off`, ["version"]);
    assert.equal(code, 0);
    assert.match(text, new RegExp(`^tls-off ${manifest.version}\\nruntime node `));
  } finally {
    await Deno.remove(target, { recursive: true });
  }
});

Deno.test("a release has notes that somebody wrote", () => {
  const changelog = Deno.readTextFileSync(`${ROOT}scripts/release/CHANGELOG.md`);
  assert.match(releaseNotes(changelog, manifest.version), /What is stable/);
  assert.throws(() => releaseNotes(changelog, "9.9.9"), /Cannot find notes for version 9\.9\.9/);
});
