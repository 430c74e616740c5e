import manifest from "../../../deno.json" with { type: "json" };
import { BuildError } from "../build_error.ts";
import type { PackageOptions } from "./packages.ts";
import { runCommand, tellingLine } from "../run_command.ts";

/**
 * Makes `NAME.tar.gz` of a binary with what is installed beside it: man page, completions, install.sh, units, licences.
 * Two builds of the same sources make the same bytes.
 */
export async function makeTarball({ directory, time }: PackageOptions, binary: string): Promise<string> {
  const name = `${binary.replace("tls-off-", `tls-off-${manifest.version}-`)}.tar.gz`;
  const folder = name.slice(0, -".tar.gz".length);
  const files = [binary, "share", "install.sh", "LICENSES", "systemd"];
  const { code, output } = await runCommand([
    ...["tar", "-C", directory, "--sort=name", "--owner=0", "--group=0", "--numeric-owner"],
    ...[`--mtime=${time.toISOString()}`, `--transform=s,^,${folder}/,`, "--use-compress-program=gzip -n -6"],
    ...["-cf", `${directory}/${name}`, ...files],
  ]);
  if (code !== 0) throw new BuildError(`Cannot make ${name}: ${tellingLine(output)}`);
  return name;
}
