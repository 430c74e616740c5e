import type { LoadResult } from "../config/load.ts";
import type { Path } from "../config/positions.ts";
import type { ListenerFile } from "../config/schema/schema_listener.ts";
import { loadCertificate } from "../tls/certificates/certificates.ts";
import type { Problem } from "../tls/problem.ts";

/** Records a problem of one listener, which is given by its index in the file. */
export type WriteProblem = (problem: Problem, listener: number) => void;

/** The position of a listener's problem in the file: that of the key at fault, else that of the listener. */
export function positionText({ file, key }: Problem, index: number, { listeners, positions }: LoadResult): string {
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
  if (clientAuth.crl.includes(file)) return ["client-auth", "crl"];
  return file === clientAuth.ca ? ["client-auth", "ca"] : [];
}

/**
 * Checks the certificates of a configuration that has other errors, so that all problems are reported together.
 */
export async function checkCertificates(listeners: ListenerFile[], write: WriteProblem): Promise<void> {
  for (const [index, { name, cert, key, certificates }] of listeners.entries()) {
    for (const pair of [{ cert, key, names: [] }, ...certificates]) {
      // An empty path stands for a wrong one, which was reported already.
      if (pair.cert === "" || pair.key === "") continue;
      const found: Problem[] = [];
      await loadCertificate(pair, Date.now(), found);
      // A listener without a name is named for its address, which may be what is wrong.
      const listener = name === "" ? `listener ${index + 1}` : `listener "${name}"`;
      for (const problem of found) write({ ...problem, message: `${listener}: ${problem.message}` }, index);
    }
  }
}
