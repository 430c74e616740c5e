/** Checks of what orders certificates. */
import { isIP } from "node:net";
import { formatAddress } from "../net/address.ts";
import { quoteValue } from "../net/quote_value.ts";
import type { IsGiven } from "./is_given.ts";
import type { Path } from "./positions.ts";
import type { Report } from "./report.ts";
import type { ConfigFile } from "./schema/schema.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";

/** Where the names must be public ones, which everybody can look up. */
const PUBLIC_DIRECTORIES = ["letsencrypt.org", "zerossl.com", "pki.goog", "buypass.com", "ssl.com", "sectigo.com"];
/**
 * Top-level names that no public authority certifies (RFC 2606, RFC 6762, RFC 8375, RFC 9476 and usual private ones).
 */
const PRIVATE_NAMES =
  /(^|\.)(localhost|local|localdomain|test|example|invalid|internal|intranet|lan|corp|home|home\.arpa|onion|alt)$/;
const PRIVATE_ADDRESSES =
  /^(0|10|127)\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^192\.168\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^::1?$|^f[cd]|^fe[89ab]/;

/** Checks `[acme]` and the listeners that ask for certificates by it. */
export function checkAcme({ acme, listeners }: ConfigFile, isGiven: IsGiven, report: Report): void {
  const users = listeners.flatMap((listener, index) => listener.acme.length > 0 ? [{ listener, index }] : []);
  const failed = (name: string) => report.hasFailed(["acme", name]);
  if (acme.eabKid === "" !== (acme.eabKeyFile === "") && !failed("eab-kid") && !failed("eab-key-file")) {
    const [given, other] = acme.eabKid === "" ? ["eab-key-file", "eab-kid"] : ["eab-kid", "eab-key-file"];
    report.error(["acme", given], `needs ${other} beside it`);
  }
  if (users.length === 0) {
    const isSpoilt = listeners.some((_, index) => report.hasFailed(["listener", index, "acme"]));
    if (isGiven(["acme", "terms-agreed"]) && !failed("terms-agreed") && !isSpoilt) {
      report.warning(["acme", "terms-agreed"], 'has no effect: no listener has acme = ["NAME"]');
    }
    return;
  }
  if (!acme.termsAgreed && !failed("terms-agreed")) {
    const how = report.source.file === null ? "--acme-agree must be given" : "must be true (or --acme-agree given)";
    report.error(
      ["acme", "terms-agreed"],
      `found false, ${how}: certificates are ordered only by who agrees to the authority's terms of service`,
    );
  }
  const isPublic = isPublicDirectory(acme.directory);
  for (const { listener, index } of users) checkListener(listener, ["listener", index], isPublic, report);
}

function checkListener(listener: ListenerFile, path: Path, isPublic: boolean, report: Report): void {
  const own = [...path, "acme"];
  listener.acme.forEach((name, index) => {
    if (isPublic && !isPublicName(name)) {
      const detail = "is no public name: a public authority gives no certificate for it; see [acme] directory";
      report.error(own, `found ${quoteValue(name)}, ${detail}`, index);
    }
  });
  if (listener.alpn.includes("acme-tls/1")) {
    report.error([...path, "alpn"], 'found "acme-tls/1", which is for the validation of names alone where acme is set');
  }
  if (report.hasFailed([...path, "listen"])) return;
  const unix = listener.listen.find(({ transport }) => transport === "unix");
  if (unix !== undefined) {
    const where = formatAddress(unix);
    report.error(own, `cannot go with listen = "${where}": the authority connects to port 443 of each name, over TCP`);
  } else if (!listener.listen.some((address) => address.transport === "tcp" && [0, 443].includes(address.port))) {
    const where = listener.listen.map(formatAddress).join(", ");
    const via = listener.acceptProxy.length > 0 ? "the balancer" : "something";
    report.warning(
      own,
      `the authority connects to port 443 of each name, and the listener has ${where}: ${via} must pass that port on, ` +
        "its TLS untouched",
    );
  }
}

function isPublicDirectory(directory: string): boolean {
  const { hostname } = new URL(directory);
  return PUBLIC_DIRECTORIES.some((name) => hostname === name || hostname.endsWith(`.${name}`));
}

function isPublicName(name: string): boolean {
  if (isIP(name) !== 0) return !PRIVATE_ADDRESSES.test(name);
  return name.includes(".") && !PRIVATE_NAMES.test(name);
}
