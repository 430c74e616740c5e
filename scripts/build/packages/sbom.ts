import manifest from "../../../deno.json" with { type: "json" };
import { ROOT } from "../../reference/inventory.ts";
import { bundledPackages } from "./licences.ts";
import type { PackageOptions } from "./packages.ts";

/** The lock file, as far as it is read. */
interface Lock {
  /** By name and version, such as `uplot@1.6.32`; `integrity` is `sha512-` and base64. */
  npm: Record<string, { integrity?: string } | undefined>;
}

/**
 * Writes the bill of materials: every package that is part of the program, with the checksum of the lock file
 * (CycloneDX 1.6).
 * @returns its name
 */
export async function makeSbom({ directory, time }: PackageOptions): Promise<string> {
  const name = "tls-off.cdx.json";
  const packages = bundledPackages(await Deno.readTextFile(`${directory}/tls-off.mjs`));
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: time.toISOString(),
      component: { type: "application", ...describe("tls-off", manifest.version), licenses: licence(manifest.license) },
    },
    components: packages.map((title) => {
      const [packageName, version] = title.split(" ");
      return { type: "library", ...describe(packageName, version), ...hashes(lock, packageName, version) };
    }),
  };
  await Deno.writeTextFile(`${directory}/${name}`, `${JSON.stringify(bill, null, 2)}\n`);
  return name;
}

function describe(name: string, version: string) {
  const purl = `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
  return { "bom-ref": purl, name, version, purl };
}

function licence(id: string) {
  return [{ license: { id } }];
}

/** @throws {TypeError} where the lock file does not have it */
function hashes(lock: Lock, name: string, version: string) {
  const base64 = /^sha512-(.+)$/.exec(lock.npm[`${name}@${version}`]?.integrity ?? "")?.[1];
  if (base64 === undefined) throw new TypeError(`Cannot find ${name} ${version} in deno.lock`);
  const content = Uint8Array.fromBase64(base64).toHex();
  return { hashes: [{ alg: "SHA-512", content }] };
}
