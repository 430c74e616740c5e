import type { LoadResult } from "../config/load.ts";
import type { Path } from "../config/positions.ts";
import type { ListenerFile } from "../config/schema_listener.ts";
import { loadCertificate } from "../tls/certificates.ts";
import type { Problem } from "../tls/problem.ts";

/** Writes down a problem of one listener, by its number in the file. */
export type WriteProblem = (problem: Problem, listener: number) => void;

/** The place of a listener's problem: that of the key that names the file at fault, else of the listener. */
export function placeOf({ file, key }: Problem, index: number, { listeners, positions }: LoadResult): string {
  if (positions === null) return "";
  const { line, column } = positions.find(["listener", index, ...key ?? keyOf(file, listeners[index])]);
  return `${line}:${column}:`;
}

function keyOf(file: string, { cert, key, certificates, clientAuth }: ListenerFile): Path {
  if (file === "") return [];
  if (file === cert) return ["cert"];
  if (file === key) return ["key"];
  for (const [index, more] of certificates.entries()) {
    if (file === more.cert) return ["certificates", index, "cert"];
    if (file === more.key) return ["certificates", index, "key"];
  }
  return file === clientAuth.ca ? ["client-auth", "ca"] : [];
}

/**
 * Looks at the certificates of a configuration that cannot be used for other reasons, so that whoever mends it learns of
 * everything at once.
 */
export async function checkCertificates(listeners: ListenerFile[], write: WriteProblem): Promise<void> {
  for (const [index, { name, cert, key, certificates }] of listeners.entries()) {
    for (const pair of [{ cert, key, names: [] }, ...certificates]) {
      // What is left is a default, for something that is wrong already.
      if (pair.cert === "" || pair.key === "") continue;
      const found: Problem[] = [];
      await loadCertificate(pair, Date.now(), found);
      // A listener without a name has that of its address, which may be what is wrong.
      const listener = name === "" ? `listener ${index + 1}` : `listener "${name}"`;
      for (const problem of found) write({ ...problem, message: `${listener}: ${problem.message}` }, index);
    }
  }
}
