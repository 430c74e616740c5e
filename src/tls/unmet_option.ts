import type { EngineName, RuntimeName } from "../runtimes/name.ts";
import { CAPABILITIES, type Feature, RUNTIME_TITLES } from "./capabilities.ts";
import type { TlsListenOptions } from "./listen_options.ts";

/**
 * Says why an engine cannot listen with these options; `null` where it can. The choice of an engine has looked at the
 * configuration before. This is for whoever calls an engine without it: no option is dropped.
 */
export function unmetOption(options: TlsListenOptions, engine: EngineName, runtime: RuntimeName): string | null {
  const lacks = CAPABILITIES[runtime][engine];
  const title = `${engine} on ${RUNTIME_TITLES[runtime]}`;
  if (lacks === null) return `${title} is no engine`;
  const unmet = featuresOf(options).find((feature) => lacks[feature] !== undefined);
  return unmet === undefined ? null : `${title} ${lacks[unmet]}`;
}

/** The features that options of an engine need, as far as the options show it. */
function featuresOf(options: TlsListenOptions): Feature[] {
  const { address, clientAuth } = options;
  const isUnix = address.transport === "unix";
  const needs: [Feature, boolean][] = [
    ["unix-listen", isUnix],
    ["abstract-listen", isUnix && address.path.startsWith("\0")],
    ["inherited-socket", options.fd !== undefined],
    ["several-certificates", options.certificates.length !== 1],
    ["sni-strict", options.sniStrict],
    ["client-auth", clientAuth.mode !== "none"],
    ["version-limits", options.minVersion !== "1.2" || options.maxVersion !== "1.3"],
    ["accept-proxy", options.preamble],
    ["name-refusal", options.routes !== null],
    ["acme", options.challenges.length > 0],
  ];
  return needs.filter(([, isNeeded]) => isNeeded).map(([feature]) => feature);
}
