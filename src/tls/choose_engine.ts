import {
  addressesOf,
  type ListenerConfig,
  type ProxyProtocolTlv,
  type TargetConfig,
  targetsOf,
} from "../config/config.ts";
import type { EngineName, RuntimeName } from "../runtimes/name.ts";
import { RouteIndex, routeRules } from "./route_index.ts";
import { CAPABILITIES, CAVEATS, type Feature, RUNTIME_TITLES } from "./capabilities.ts";

/** A feature that a listener needs, and why. */
interface Need {
  feature: Feature;
  /** e.g. `client-auth`, `min-version = "1.3"`. */
  asked: string;
}

/** The engine of a listener, or why there is none. */
type EngineChoiceResult =
  | {
    engine: EngineName; /** For people, one line. */
    reason: string; /** What it leaves out, one line each. */
    notes: string[];
  }
  | { engine: null; /** One line each. */ refusals: string[] };

/** What the choice of an engine depends on besides the configuration. */
export interface EngineCircumstances {
  /** Whether the listening sockets are inherited from the service manager. */
  inheritedSocket?: boolean;
  /** Why the engine must be one that can answer challenges of ACME; `null` where any will do. */
  validation?: string | null;
  /** The file of a certificate that is older than version 3 of X.509; `null` where there is none. */
  oldCertificate?: string | null;
  /** A certificate with a critical extension that is none of the common ones; `null` where there is none. */
  criticalExtension?: { file: string; /** Its object identifier. */ id: string } | null;
}

/** Chooses the engine: the forced one if it can do everything that is needed, else native where it can, else node. */
export function chooseEngine(
  config: ListenerConfig,
  runtime: RuntimeName,
  circumstances: EngineCircumstances = {},
): EngineChoiceResult {
  const title = RUNTIME_TITLES[runtime];
  const { native, node } = CAPABILITIES[runtime];
  const needs = listNeeds(config, circumstances);
  if (config.engine === "node") return chosen("node", 'engine = "node" is set');
  if (native === null) {
    if (config.engine === "auto") return chosen("node", `${title} has no native engine`);
    return { engine: null, refusals: [`engine = "native" needs Deno or Bun, ${title} has none: use "node" or "auto"`] };
  }
  const unmet = needs.filter(({ feature }) => native[feature] !== undefined);
  if (unmet.length === 0) {
    return chosen(
      "native",
      config.engine === "native" ? 'engine = "native" is set' : `native on ${title} can do all that is asked`,
    );
  }
  const reasons = unmet.map(({ feature, asked }) => `${asked}: native on ${title} ${native[feature]}`);
  if (config.engine === "auto") return chosen("node", reasons.join("; "));
  return {
    engine: null,
    refusals: unmet.map(({ feature }, index) => {
      const other = node?.[feature] === undefined ? '; use engine = "node" or "auto"' : "";
      return `engine = "native" cannot do ${reasons[index]}${other}`;
    }),
  };

  function chosen(engine: EngineName, reason: string): EngineChoiceResult {
    const refused = needs.filter(({ feature }) => engine === "node" && node?.[feature] !== undefined);
    if (refused.length > 0) {
      const refusals = refused.map(({ feature, asked }) => `${asked}: node on ${title} ${node?.[feature]}`);
      return { engine: null, refusals };
    }
    return { engine, reason, notes: [...listCaveats(needs, runtime, engine), ...listNotes(config, runtime, engine)] };
  }
}

function listNeeds(
  config: ListenerConfig,
  { inheritedSocket, validation, oldCertificate, criticalExtension }: EngineCircumstances,
): Need[] {
  const needs: Need[] = [];
  const count = config.certificates.length;
  if (count > 1) needs.push({ feature: "several-certificates", asked: `${count} certificates` });
  if (oldCertificate) {
    needs.push({ feature: "old-certificate", asked: `certificate "${oldCertificate}" of X.509 version 1` });
  }
  if (criticalExtension) {
    const asked = `certificate "${criticalExtension.file}" with the critical extension ${criticalExtension.id}`;
    needs.push({ feature: "critical-extension", asked });
  }
  if (config.sniStrict) needs.push({ feature: "sni-strict", asked: "sni-strict = true" });
  if (config.clientAuth.mode !== "none") {
    needs.push({ feature: "client-auth", asked: `client-auth.mode = "${config.clientAuth.mode}"` });
  }
  if (config.minVersion !== "1.2") {
    needs.push({ feature: "version-limits", asked: `min-version = "${config.minVersion}"` });
  }
  if (config.maxVersion !== "1.3") {
    needs.push({ feature: "version-limits", asked: `max-version = "${config.maxVersion}"` });
  }
  const unix = config.listen.filter((address) => address.transport === "unix");
  if (unix.some(({ path }) => path.startsWith("\0"))) {
    needs.push({ feature: "abstract-listen", asked: 'listen = "unix:@…"' });
  } else if (unix.length > 0) needs.push({ feature: "unix-listen", asked: 'listen = "unix:…"' });
  needs.push(...routeNeeds(config));
  const backends = targetsOf(config).flatMap(addressesOf);
  for (const [key, addresses] of [["listen", config.listen], ["backend", backends]] as const) {
    if (addresses.some((address) => address.transport === "unix" && address.path.startsWith("\0"))) {
      needs.push({ feature: "abstract-names", asked: `${key} = "unix:@…"` });
    }
  }
  if (config.acceptProxy.length > 0) needs.push({ feature: "accept-proxy", asked: "accept-proxy" });
  const named = targetsOf(config).filter(({ proxyProtocolTlvsNamed }) => proxyProtocolTlvsNamed);
  for (const tlv of new Set(named.flatMap(detailTlvs))) {
    needs.push({ feature: "tls-details", asked: `proxy-protocol-tlvs "${tlv}"` });
  }
  if (config.acme.length > 0) {
    // Else a native engine gives way to the other one whenever a name is validated.
    if (validation) needs.push({ feature: "acme", asked: `acme (${validation})` });
    else if (config.engine === "native") needs.push({ feature: "acme", asked: "acme" });
  }
  if (inheritedSocket) needs.push({ feature: "inherited-socket", asked: "socket activation" });
  return needs;
}

/** The features that routes need to know what decides, before or after the handshake. */
function routeNeeds(config: ListenerConfig): Need[] {
  const needs: Need[] = [];
  const index = new RouteIndex(routeRules(config));
  const passes = config.routes.find(({ passthrough }) => passthrough);
  if (index.refusesNames) needs.push({ feature: "name-refusal", asked: "server names without a route" });
  if (index.byName && !index.refusesNames && !index.alpnDiffers) {
    needs.push({ feature: "routes-by-name", asked: "routes by server name" });
  }
  if (index.alpnDiffers) needs.push({ feature: "alpn-by-name", asked: "routes by server name and protocol" });
  if (passes !== undefined) needs.push({ feature: "passthrough", asked: `route "${passes.name}" with passthrough` });
  return needs;
}

/** TLVs of the PROXY protocol that need more details of the handshake than ALPN. */
const DETAIL_TLVS: ProxyProtocolTlv[] = ["authority", "ssl", "client-cert"];

function detailTlvs({ proxyProtocol, proxyProtocolTlvs }: TargetConfig): ProxyProtocolTlv[] {
  return proxyProtocol === "v2" ? DETAIL_TLVS.filter((tlv) => proxyProtocolTlvs.includes(tlv)) : [];
}

function listCaveats(needs: Need[], runtime: RuntimeName, engine: EngineName): string[] {
  const caveats = CAVEATS[runtime]?.[engine] ?? {};
  return needs.flatMap(({ feature, asked }) =>
    (caveats[feature] ?? []).map((caveat) => `${asked}: ${engine} on ${RUNTIME_TITLES[runtime]}: ${caveat}`)
  );
}

function listNotes(config: ListenerConfig, runtime: RuntimeName, engine: EngineName): string[] {
  const notes: string[] = [];
  if (config.acme.length > 0 && engine === "native") {
    notes.push("while a name is validated for acme, some seconds at each order, engine node serves new connections");
  }
  const lacks = CAPABILITIES[runtime][engine]?.["tls-details"];
  if (lacks === undefined) return notes;
  const where = `${engine} on ${RUNTIME_TITLES[runtime]}`;
  notes.push(`records lack tls_version, cipher, sni and resumed: ${where} ${lacks}`);
  const tlvs = [...new Set(targetsOf(config).flatMap(detailTlvs))];
  if (tlvs.length > 0) {
    const names = tlvs.join(", ");
    notes.push(
      `proxy-protocol-tlvs: ${names} of the default list are not sent; a list that names them gets engine node`,
    );
  }
  return notes;
}
