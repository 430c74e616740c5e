import type { ListenerConfig, TargetConfig } from "../../config/config.ts";
import type { ConfigFlags } from "../../config/flags.ts";
import { certificatesOf, type LoadResult } from "../../config/load.ts";
import type { Path } from "../../config/positions.ts";
import type { Place, Problems } from "../../config/problem.ts";
import { loadCertificate } from "../../tls/certificates/certificates.ts";
import { backendObstacle } from "./path_obstacles.ts";

/**
 * Returns where keys of a configuration are, for problems whose message names what it is about.
 * @param file as it was named on the command line
 */
export function placeIn(file: string | null, flags: ConfigFlags, { positions }: LoadResult): (path: Path) => Place {
  // A value that a flag gives has no position in the file.
  const known = flags.cert || flags.key || flags.engine ? null : positions;
  return (path) => {
    const { line, column } = path.length === 0 || known === null ? { line: 0, column: 0 } : known.find(path);
    return { file, line, column, key: "" };
  };
}

/**
 * Checks the certificates of a configuration that has other errors, so that all problems are reported together.
 */
export async function checkCertificates({ listeners }: LoadResult, problems: Problems): Promise<void> {
  for (const [index, listener] of listeners.entries()) {
    // A listener without a name is named for its address, which may be what is wrong.
    const title = listener.name === "" ? `listener ${index + 1}` : `listener "${listener.name}"`;
    const own = problems.at("listener", index).about(title);
    for (const certificate of certificatesOf(listener)) {
      // An empty path stands for a wrong one, which was reported already.
      if (certificate.cert === "" || certificate.key === "") continue;
      await loadCertificate(certificate, Date.now(), own);
    }
  }
}

/** Warns of backends and spares of a listener and its routes that are no sockets, of each once. */
export async function checkBackends(listener: ListenerConfig, problems: Problems): Promise<void> {
  const seen = new Set<string>();
  const check = async ({ backend, spare }: TargetConfig, own: Problems) => {
    for (const [key, addresses] of [["backend", backend.map(({ to }) => to)], ["spare", spare]] as const) {
      for (const [index, address] of addresses.entries()) {
        const obstacle = await backendObstacle(address);
        if (obstacle === null || seen.has(obstacle)) continue;
        seen.add(obstacle);
        own.at(key, index).warning(`${key}: ${obstacle}`);
      }
    }
  };
  await check(listener, problems);
  for (const [index, route] of listener.routes.entries()) await check(route, problems.at("route", index));
}
