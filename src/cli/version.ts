import tls from "node:tls";
import manifest from "../../deno.json" with { type: "json" };
import { describeShortfall } from "../runtimes/floors.ts";
import { engineNames, runtimeName, runtimeTitle } from "../runtimes/name.ts";
import { POST_QUANTUM, POST_QUANTUM_GROUP } from "../tls/capabilities.ts";

/** The program's version, as deno.json has it. */
export const VERSION: string = manifest.version;

/**
 * What `tls-off version` prints: the program, its runtime, the engines that there are, and a runtime that is too old.
 */
export function versionText(): string {
  const lines = [
    `tls-off ${VERSION}`,
    `runtime ${runtimeTitle()}`,
    `engines ${engineNames().join(", ")}`,
    `post-quantum ${describePostQuantum()}`,
  ];
  const shortfall = describeShortfall();
  return [...lines, ...(shortfall === null ? [] : [`needs ${shortfall}`])].join("\n");
}

/** Whether recordings of today's connections will be safe from quantum computers. */
function describePostQuantum(): string {
  switch (POST_QUANTUM[runtimeName()]) {
    case "preferred":
      return `${POST_QUANTUM_GROUP}, preferred`;
    case "accepted":
      return `${POST_QUANTUM_GROUP}, unless a client sends a share of X25519 too`;
    case "newer":
      return nodeHasGroup() ? `${POST_QUANTUM_GROUP}, preferred` : "none: needs Node 24 or newer";
  }
}

/** Asks Node's OpenSSL. The other runtimes take any name. */
function nodeHasGroup(): boolean {
  try {
    tls.createSecureContext({ ecdhCurve: POST_QUANTUM_GROUP });
    return true;
  } catch {
    return false;
  }
}
