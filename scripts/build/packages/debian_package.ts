import manifest from "../../../deno.json" with { type: "json" };
import { ROOT } from "../../reference/inventory.ts";
import { BuildError } from "../build_error.ts";
import type { PackageOptions } from "./packages.ts";
import { runCommand, tellingLine } from "../run_command.ts";
import type { Target } from "../target.ts";

/** Debian's names of the machines. */
const ARCHITECTURES: Record<Target["name"], string> = { x64: "amd64", arm64: "arm64" };

const SYSTEMD = `${ROOT}scripts/deploy/systemd`;

/**
 * Makes `tls-off_VERSION_ARCHITECTURE.deb`: the binary, man page, completions, units, the user, and the configuration
 * as a conffile. Installing it starts nothing: there is no certificate yet.
 * @param binary the name of the binary that goes in
 * @throws {BuildError} where dpkg-deb is missing or refuses
 */
export async function makeDebianPackage(
  { directory, time }: PackageOptions,
  target: Target,
  binary: string,
): Promise<string> {
  const architecture = ARCHITECTURES[target.name];
  const name = `tls-off_${manifest.version}_${architecture}.deb`;
  const root = await Deno.makeTempDir({ prefix: "tls-off-deb-" });
  try {
    const put = (path: string, text: string, mode = 0o644) => write(`${root}/${path}`, text, mode);
    await copyTree(`${directory}/share`, `${root}/usr/share`);
    await compress(`${root}/usr/share/man/man1/tls-off.1`);
    await Deno.rename(`${root}/usr/share/zsh/site-functions`, `${root}/usr/share/zsh/vendor-completions`);
    await Deno.mkdir(`${root}/usr/bin`, { recursive: true });
    await Deno.copyFile(`${directory}/${binary}`, `${root}/usr/bin/tls-off`);
    await Deno.chmod(`${root}/usr/bin/tls-off`, 0o755);
    const read = (file: string) => Deno.readTextFile(`${SYSTEMD}/${file}`);
    await put(
      "lib/systemd/system/tls-off.service",
      (await read("tls-off.service")).replace("/usr/local/bin", "/usr/bin"),
    );
    await put("lib/systemd/system/tls-off.socket", await read("tls-off.socket"));
    await put("usr/lib/sysusers.d/tls-off.conf", await read("tls-off.sysusers"));
    await put("etc/tls-off/tls-off.toml", await read("tls-off.toml"));
    await put("usr/share/doc/tls-off/copyright", await copyright(directory));
    await put("usr/share/doc/tls-off/changelog", changelog(time));
    await compress(`${root}/usr/share/doc/tls-off/changelog`);
    await put("usr/share/lintian/overrides/tls-off", OVERRIDES);
    await put("DEBIAN/control", control(architecture, binary, await sizeOf(root)));
    await put("DEBIAN/conffiles", "/etc/tls-off/tls-off.toml\n");
    await put("DEBIAN/postinst", POSTINST, 0o755);
    await put("DEBIAN/prerm", PRERM, 0o755);
    await put("DEBIAN/postrm", POSTRM, 0o755);
    await put("DEBIAN/md5sums", await md5sums(root));
    await runCommand(["sh", "-c", 'find "$1" -type d -exec chmod 0755 {} +', "sh", root]);
    const command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", root, `${directory}/${name}`];
    const environment = { SOURCE_DATE_EPOCH: String(Math.floor(time.getTime() / 1000)) };
    const { code, output } = await runCommand(command, { env: environment });
    if (code !== 0) throw new BuildError(`Cannot make ${name}: ${tellingLine(output)}`);
    return name;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function control(architecture: string, binary: string, kilobytes: number): string {
  const onBun = binary.includes("-bun-");
  const [runtime, libraries] = onBun
    ? ["Bun", "libc6 (>= 2.17), passwd"]
    : ["Deno", "libc6 (>= 2.27), libgcc-s1, passwd"];
  return `Package: tls-off
Version: ${manifest.version}
Architecture: ${architecture}
Maintainer: The tls-off maintainers <tls-off@users.noreply.example>
Installed-Size: ${kilobytes}
Depends: ${libraries}
Recommends: systemd
Section: net
Priority: optional
Description: TLS-terminating proxy (on ${runtime})
 tls-off accepts TLS, decrypts it, and forwards the bytes, unread, to an
 application, by default over a Unix socket. It does not look inside, so
 it works for HTTP/1, HTTP/2, gRPC, WebSocket, PostgreSQL, anything.
 .
 This package has the binary that runs on ${runtime}.
`;
}

/** The complaints of lintian about a single-file program that is not made by Debian's own tools. */
const OVERRIDES = `# The runtime is part of the program, and is made as its makers make it.
tls-off: hardening-no-pie *
tls-off: hardening-no-relro *
tls-off: hardening-no-fortify-functions *
tls-off: unstripped-binary-or-object *
tls-off: embedded-library *
`;

const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers tls-off.conf
  elif ! getent passwd tls-off >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin tls-off
  fi
  # Nothing is started: there is no certificate yet. One that runs already goes on with the new program.
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -n "$2" ]; then deb-systemd-invoke try-restart tls-off.service || true; fi
  fi
fi
`;

const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop tls-off.socket tls-off.service || true
fi
`;

const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;

async function copyright(directory: string): Promise<string> {
  const licences = await Deno.readTextFile(`${directory}/LICENSES`);
  const short = licences.replace(APACHE_TEXT, APACHE_PLACE);
  return `tls-off and the packages that are part of it have these copyrights and licences.\n\n${short}`;
}

/** The whole text of the licence, which each Debian system has once. */
const APACHE_TEXT =
  /^ *Apache License\n *Version 2\.0,[\s\S]*?END OF TERMS AND CONDITIONS\n(\s*APPENDIX[\s\S]*?limitations under the License\.\n)?/gm;
const APACHE_PLACE = "Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0\n";

function changelog(time: Date): string {
  const date = time.toUTCString().replace("GMT", "+0000");
  return `tls-off (${manifest.version}) unstable; urgency=medium

  * What changed stands in the notes of the release.

 -- The tls-off maintainers <tls-off@users.noreply.example>  ${date}
`;
}

async function write(path: string, text: string, mode: number): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(`${from}/${name}`, `${to}/${name}`);
    else await write(`${to}/${name}`, await Deno.readTextFile(`${from}/${name}`), 0o644);
  }
}

/** Compresses as Debian asks for: as well as possible, and without a name or time in the file. */
async function compress(path: string): Promise<void> {
  const { code, output } = await runCommand(["gzip", "-9n", path]);
  if (code !== 0) throw new BuildError(`Cannot compress ${path}: ${tellingLine(output)}`);
}

/** Kilobytes of all files below a folder. */
async function sizeOf(root: string): Promise<number> {
  let bytes = 0;
  for (const path of await files(root)) bytes += (await Deno.stat(`${root}/${path}`)).size;
  return Math.ceil(bytes / 1024);
}

async function md5sums(root: string): Promise<string> {
  const paths = (await files(root)).filter((path) => !path.startsWith("DEBIAN/") && !path.startsWith("etc/"));
  const { code, output } = await runCommand(["md5sum", ...paths.sort()], { cwd: root });
  if (code !== 0) throw new BuildError(`Cannot make checksums: ${tellingLine(output)}`);
  return output;
}

async function files(root: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${below}`)) {
    if (isDirectory) found.push(...await files(root, `${below}${name}/`));
    else found.push(below + name);
  }
  return found;
}
