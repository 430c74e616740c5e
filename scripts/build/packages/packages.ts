/** Everything of a release but the binaries: packages of them, and what tells of their parts. */
import { BuildError } from "../build_error.ts";
import { makeDebianPackage } from "./debian_package.ts";
import { makeNpmPackage } from "./npm_package.ts";
import { makeSbom } from "./sbom.ts";
import { makeTarball } from "./tarball.ts";
import { TARGETS } from "../target.ts";

/** What {@linkcode makePackages} makes packages of. */
export interface PackageOptions {
  /** Where the binaries, `share/`, `install.sh`, `LICENSES` and the bundle are, and the packages go to. */
  directory: string;
  /** Names of the binaries that were made. */
  binaries: readonly string[];
  /** The time that every file in a package has. */
  time: Date;
}

/**
 * Makes a tarball for each binary, a Debian package for each machine with the binary on Deno (on Bun where that is
 * missing), the npm package's folder, and the bill of materials.
 * @returns names of the files that were made, and a line for each that could not be
 */
export async function makePackages(options: PackageOptions): Promise<{ names: string[]; skipped: string[] }> {
  const names: string[] = [];
  const skipped: string[] = [];
  for (const binary of options.binaries) names.push(await makeTarball(options, binary));
  for (const target of TARGETS) {
    const candidates = [`tls-off-linux-${target.name}`, `tls-off-bun-linux-${target.name}`];
    const binary = candidates.find((name) => options.binaries.includes(name));
    if (binary === undefined) continue;
    try {
      names.push(await makeDebianPackage(options, target, binary));
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      skipped.push(error.message);
    }
  }
  await makeNpmPackage(options);
  names.push(await makeSbom(options));
  return { names, skipped };
}
