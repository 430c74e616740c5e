import { formatAddress, isLocalAddress } from "../net/address.ts";
import type { Address } from "../net/address.ts";
import { checkHealth } from "./check_health.ts";
import { checkRoutes } from "./check_routes.ts";
import type { Path } from "./positions.ts";
import { quoteValue } from "../net/quote_value.ts";
import { idOfName } from "../files/system_names.ts";
import type { Report } from "./report.ts";
import type { ConfigFile } from "./schema/schema.ts";
import { checkAcme } from "./checks_acme.ts";
import type { IsGiven } from "./is_given.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";
import { warnOfGiven } from "./warn_of_given.ts";

/**
 * Checks values that contradict each other, which no key shows alone. A listener without a name gets one first.
 */
export function checkConfig(config: ConfigFile, isGiven: IsGiven, report: Report): void {
  if (config.listeners.length === 0 && !report.hasFailed(["listener"])) {
    report.error(report.source.file === null ? ["listener", "listen"] : ["listener"], NO_LISTENER);
  }
  const addresses = new Map<string, string>();
  const names = new Map<string, Path>();
  config.listeners.forEach((listener, index) => {
    const path = ["listener", index];
    const isNamed = listener.name !== "";
    if (!isNamed && listener.listen.length > 0) listener.name = formatAddress(listener.listen[0]);
    // Two listeners that are named for the same address get the error about their address alone.
    if (isNamed || !addresses.has(listener.name) || isPortZero(listener.listen[0])) {
      checkName(listener, path, names, report);
    }
    checkAddresses(listener, path, addresses, report);
    checkBackends(listener, path, isGiven, report);
    checkRoutes(listener, path, isGiven, report);
    checkHealth(listener, path, isGiven, report);
    checkCertificates(listener, path, report);
    checkVersions(listener, path, isGiven, report);
    checkTermination(listener, path, isGiven, report);
    checkClientAuth(listener, path, isGiven, report);
    checkProxyProtocol(listener, path, isGiven, report);
    checkSpread(listener, path, report);
    checkListenAccess(listener, path, report);
    checkForwardedTlvs(listener, path, report);
  });
  checkAcme(config, isGiven, report);
  checkRedirect(config, addresses, report);
  checkAdmin(config, addresses, report);
  if (config.log.file === "") {
    warnOfGiven(["file-size", "file-count"], ["log"], "has no effect without log.file", isGiven, report);
  }
}

const NO_LISTENER = "missing, at least one listener with listen, backend, cert and key (or acme) must be given";

function checkName(listener: ListenerFile, path: Path, names: Map<string, Path>, report: Report): void {
  const other = names.get(listener.name);
  if (other) {
    report.error(
      [...path, "name"],
      `found ${quoteValue(listener.name)}, another listener${at(other, report)} has this name`,
    );
  } else if (listener.name !== "") {
    names.set(listener.name, [...path, "name"]);
  }
}

function checkAddresses(listener: ListenerFile, path: Path, taken: Map<string, string>, report: Report): void {
  listener.listen.forEach((address, index) => {
    const text = formatAddress(address);
    const owner = taken.get(text);
    const isFresh = address.transport === "tcp" && address.port === 0;
    if (owner !== undefined && !isFresh) {
      report.error([...path, "listen"], `found "${text}", ${owner} has this address`, index);
    }
    taken.set(text, `listener ${quoteValue(listener.name)}`);
  });
}

/** A listener has a backend of its own, or routes, and no backend is the listener itself. */
function checkBackends(listener: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  const isMissing = listener.backend.length === 0 && listener.routes.length === 0;
  if (isMissing && !report.hasFailed([...path, "backend"]) && !report.hasFailed([...path, "route"])) {
    const given = isGiven([...path, "backend"]);
    report.error(
      [...path, "backend"],
      given
        ? "found an empty list, must have at least one element"
        : "missing, must be given: where the application listens",
    );
  }
  const own = new Set(listener.listen.map(formatAddress));
  const targets = [
    { ...listener, path },
    ...listener.routes.map((route, index) => ({ ...route, path: [...path, "route", index] as Path })),
  ];
  for (const { backend, spare, path } of targets) {
    const backends = backend.map(({ to }) => formatAddress(to));
    for (const [name, addresses] of [["backend", backends], ["spare", spare.map(formatAddress)]] as const) {
      for (const [index, text] of addresses.entries()) {
        if (own.has(text)) {
          report.error([...path, name], `found "${text}", the listener would connect to itself`, index);
        } else if (name === "spare" && backends.includes(text) && isGiven([...path, name])) {
          report.error([...path, name], `found "${text}", it is a backend already`, index);
        }
      }
    }
  }
  checkBalance(targets, listener, report);
}

/** Clients of a Unix socket have no address that one could be told from another by. */
function checkBalance(
  targets: { balance: string; path: Path }[],
  { listen, acceptProxy }: ListenerFile,
  report: Report,
): void {
  if (acceptProxy.length > 0 || listen.length === 0 || listen.some(({ transport }) => transport !== "unix")) return;
  const target = targets.find(({ balance }) => balance === "client");
  if (target === undefined || report.hasFailed([...target.path, "balance"])) return;
  report.error(
    [...target.path, "balance"],
    `found "client", cannot go with "${formatAddress(listen[0])}": clients of a Unix socket have no address`,
  );
}

function checkCertificates(listener: ListenerFile, path: Path, report: Report): void {
  const failed = report.hasFailed([...path, "cert"]) || report.hasFailed([...path, "key"]);
  const { cert, key, certificates } = listener;
  if (failed) return;
  const needs = (given: string, other: string) => {
    const dashes = report.flagAt([...path, given]) === null ? "" : "--";
    report.error([...path, given], `needs ${dashes}${other} beside it`);
  };
  if (cert !== "" && key === "") needs("cert", "key");
  else if (key !== "" && cert === "") needs("key", "cert");
  else if (
    cert === "" && certificates.length === 0 && listener.acme.length === 0 && terminates(listener) &&
    !report.hasFailed([...path, "certificates"]) && !report.hasFailed([...path, "acme"])
  ) {
    report.error([...path, "cert"], "missing, cert and key (or certificates, or acme) must be given");
  }
}

/** Whether some connection is decrypted here. */
function terminates({ backend, routes }: ListenerFile): boolean {
  return backend.length > 0 || routes.length === 0 || routes.some(({ passthrough }) => !passthrough);
}

/** Warns of keys about TLS where all of it is between the clients and the backends. */
function checkTermination(listener: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  if (terminates(listener)) return;
  const keys = ["alpn", "min-version", "max-version", "sni-strict"];
  warnOfGiven(keys, path, "has no effect: every route passes TLS through", isGiven, report);
}

function checkVersions(listener: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  const { minVersion, maxVersion } = listener;
  if (minVersion <= maxVersion) return;
  if (isGiven([...path, "min-version"])) {
    report.error([...path, "min-version"], `found "${minVersion}", must not be above max-version ("${maxVersion}")`);
  } else {
    report.error([...path, "max-version"], `found "${maxVersion}", must not be below min-version ("${minVersion}")`);
  }
}

function checkClientAuth(listener: ListenerFile, listenerPath: Path, isGiven: IsGiven, report: Report): void {
  const path = [...listenerPath, "client-auth"];
  const { mode, ca } = listener.clientAuth;
  if (report.hasFailed([...path, "mode"]) || report.hasFailed([...path, "ca"])) return;
  if (mode !== "none") {
    if (ca === "") report.error([...path, "mode"], `found "${mode}", needs ca: the authorities that sign clients`);
    return;
  }
  for (const name of ["ca", "crl", "allow-cn", "allow-dns", "allow-uri"]) {
    if (!isGiven([...path, name])) continue;
    const isFilled = name === "ca" ? ca !== "" : listener.clientAuth[ALLOW_FIELDS[name]].length > 0;
    if (!isFilled) continue;
    // Someone who lists the clients that are allowed believes that the others are refused.
    if (!isGiven([...path, "mode"])) {
      report.error([...path, name], 'has no effect without mode: must stand beside mode = "optional" or "required"');
    } else if (name !== "ca") {
      report.warning([...path, name], 'has no effect while mode is "none"');
    }
  }
}

const ALLOW_FIELDS: Record<string, "crl" | "allowCn" | "allowDns" | "allowUri"> = {
  "crl": "crl",
  "allow-cn": "allowCn",
  "allow-dns": "allowDns",
  "allow-uri": "allowUri",
};

function checkProxyProtocol(listener: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  const versionPath = [...path, "proxy-protocol"];
  if (listener.proxyProtocol === "v2" || report.hasFailed(versionPath) || report.flagAt(versionPath) !== null) return;
  // Routes have the listener's list.
  if (listener.routes.some(({ proxyProtocol }) => proxyProtocol === "v2")) return;
  if (isGiven([...path, "proxy-protocol-tlvs"])) {
    report.error([...path, "proxy-protocol-tlvs"], `needs proxy-protocol = "v2", which is "${listener.proxyProtocol}"`);
  }
}

function checkSpread(listener: ListenerFile, listenerPath: Path, report: Report): void {
  const path = [...listenerPath, "spread"];
  if (listener.spread !== "client" || report.hasFailed(path)) return;
  if (listener.acceptProxy.length > 0) {
    report.error(path, 'found "client", cannot go with accept-proxy: all connections would come from the balancer');
  }
  const unix = listener.listen.find(({ transport }) => transport === "unix");
  if (unix !== undefined) {
    report.error(
      path,
      `found "client", cannot go with "${formatAddress(unix)}": clients of a Unix socket have no address`,
    );
  }
}

/** Who may connect is a matter of a file's mode and owners, which only a Unix socket with a path has. */
function checkListenAccess(listener: ListenerFile, path: Path, report: Report): void {
  const given = (["listen-mode", "listen-owner", "listen-group"] as const).filter((key) =>
    accessOf(listener)[key] !== ""
  );
  if (given.length === 0 || listener.listen.length === 0) return;
  const hasPath = listener.listen.some((it) => it.transport === "unix" && !it.path.startsWith("\0"));
  for (const key of given) {
    const value = accessOf(listener)[key];
    if (report.hasFailed([...path, key])) continue;
    if (!hasPath) {
      report.error(
        [...path, key],
        `found ${quoteValue(value)}, needs listen = "unix:/…": nothing else has a mode and owners`,
      );
    } else if (key !== "listen-mode") {
      const kind = key === "listen-owner" ? "user" : "group";
      if (idOfName(kind, value) === null) {
        report.error([...path, key], `found ${quoteValue(value)}, no ${kind} of this machine has this name`);
      }
    }
  }
}

function accessOf({ listenMode, listenOwner, listenGroup }: ListenerFile) {
  return { "listen-mode": listenMode, "listen-owner": listenOwner, "listen-group": listenGroup };
}

/** TLVs of a header in front of TLS can be handed on only where such a header is accepted. */
function checkForwardedTlvs(listener: ListenerFile, path: Path, report: Report): void {
  if (listener.acceptProxy.length > 0 || report.hasFailed([...path, "accept-proxy"])) return;
  const wrong = listener.routes.findIndex(({ proxyProtocolTlvs }) => proxyProtocolTlvs.includes("forwarded"));
  const owner = listener.proxyProtocolTlvs.includes("forwarded") ? path : [...path, "route", wrong];
  if (owner !== path && wrong < 0) return;
  if (report.hasFailed([...owner, "proxy-protocol-tlvs"])) return;
  report.error([...owner, "proxy-protocol-tlvs"], 'found "forwarded", needs accept-proxy: the header to forward from');
}

function checkRedirect({ redirect: { listen } }: ConfigFile, taken: Map<string, string>, report: Report): void {
  if (listen === null) return;
  const text = formatAddress(listen);
  const owner = taken.get(text);
  if (owner !== undefined && !isPortZero(listen)) {
    report.error(["redirect", "listen"], `found "${text}", ${owner} has this address`);
  }
  taken.set(text, "[redirect]");
}

function checkAdmin(config: ConfigFile, taken: Map<string, string>, report: Report): void {
  const { listen, expose } = config.admin;
  if (listen === null) return;
  const text = formatAddress(listen);
  const owner = taken.get(text);
  if (owner !== undefined && !isPortZero(listen)) {
    report.error(["admin", "listen"], `found "${text}", ${owner} has this address`);
  }
  if (!isLocalAddress(listen) && !expose && !report.hasFailed(["admin", "expose"])) {
    report.error(
      ["admin", "listen"],
      `found "${text}", must be a loopback address or a Unix socket unless admin.expose = true`,
    );
  }
}

function isPortZero(address: Address): boolean {
  return address.transport === "tcp" && address.port === 0;
}

function at(path: Path, report: Report): string {
  const position = report.positionOf(path);
  return position ? ` (line ${position.line})` : "";
}
