import { untoldTlv } from "./complete_routes.ts";
import type { Path } from "./positions.ts";
import { quoteValue } from "../net/quote_value.ts";
import { wildcardOf } from "../net/server_names.ts";
import type { IsGiven } from "./is_given.ts";
import type { Report } from "./report.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";
import type { RouteFile } from "./schema/schema_route.ts";

/** Checks the routes of a listener: each alone, against the listener, and against those before it. */
export function checkRoutes(listener: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  const names = new Map<string, Path>();
  const earlier = new EarlierRoutes();
  for (const [index, route] of listener.routes.entries()) {
    const routePath = [...path, "route", index];
    checkName(route, routePath, names, isGiven, report);
    checkAlpn(route, listener, routePath, report);
    if (route.passthrough) checkPassthrough(route, listener, routePath, isGiven, report);
    else checkTlvs(route, routePath, isGiven, report);
    if (report.hasFailed([...routePath, "server-name"]) || report.hasFailed([...routePath, "alpn"])) continue;
    checkReached(route, earlier, routePath, report);
    earlier.add(route);
  }
  const all = earlier.takerOf("", null);
  if (all !== null && listener.backend.length > 0) {
    report.warning([...path, "backend"], `never gets a connection: route ${quoteValue(all)} takes all that come`);
  }
}

function checkName(
  { name }: RouteFile,
  path: Path,
  names: Map<string, Path>,
  isGiven: IsGiven,
  report: Report,
): void {
  const place = isGiven([...path, "name"]) ? [...path, "name"] : path;
  const other = names.get(name);
  if (other === undefined) return void names.set(name, place);
  const position = report.positionOf(other);
  const where = position ? ` (line ${position.line})` : "";
  report.error(place, `found the name ${quoteValue(name)}, another route${where} has it: give each a name of its own`);
}

function checkAlpn({ alpn }: RouteFile, listener: ListenerFile, path: Path, report: Report): void {
  if (report.hasFailed([...path.slice(0, -2), "alpn"])) return;
  for (const [index, protocol] of alpn.entries()) {
    if (listener.alpn.includes(protocol)) continue;
    const offers = listener.alpn.length === 0 ? "none" : listener.alpn.map((one) => quoteValue(one)).join(", ");
    report.error(
      [...path, "alpn"],
      `found ${quoteValue(protocol)}, must be one of the listener's alpn, which offers ${offers}`,
      index,
    );
  }
}

function checkPassthrough(
  { alpn, health, proxyProtocol, proxyProtocolTlvs }: RouteFile,
  { clientAuth }: ListenerFile,
  path: Path,
  isGiven: IsGiven,
  report: Report,
): void {
  if (alpn.length > 0) {
    report.error([...path, "alpn"], "cannot go with passthrough: what is agreed is between the client and the backend");
  }
  if (health.path !== "") {
    report.error(
      [...path, "health", "path"],
      `found ${
        quoteValue(health.path)
      }, cannot go with passthrough: the backend speaks TLS, a connect has to be enough`,
    );
  }
  if (clientAuth.mode !== "none") {
    report.error(
      [...path, "passthrough"],
      `found true, cannot go with client-auth.mode = "${clientAuth.mode}": nobody would look at the clients' certificates`,
    );
  }
  const tlv = untoldTlv(proxyProtocolTlvs);
  if (proxyProtocol === "v2" && tlv !== undefined && isGiven([...path, "proxy-protocol-tlvs"])) {
    report.error(
      [...path, "proxy-protocol-tlvs"],
      `found "${tlv}", cannot go with passthrough: the client's TLS is not terminated here`,
    );
  }
}

function checkTlvs({ proxyProtocol }: RouteFile, path: Path, isGiven: IsGiven, report: Report): void {
  if (proxyProtocol === "v2" || !isGiven([...path, "proxy-protocol-tlvs"])) return;
  if (report.hasFailed([...path, "proxy-protocol"])) return;
  report.error([...path, "proxy-protocol-tlvs"], `needs proxy-protocol = "v2", which is "${proxyProtocol}"`);
}

function checkReached(route: RouteFile, earlier: EarlierRoutes, path: Path, report: Report): void {
  const protocols = route.passthrough || route.alpn.length === 0 ? null : route.alpn;
  const names = route.serverNames.length === 0 ? [""] : route.serverNames;
  const takers = names.map((name) => earlier.takerOf(name, protocols));
  if (!takers.includes(null)) {
    const place = route.serverNames.length > 0 ? [...path, "server-name"] : path;
    report.error(place, `can never match: route ${quoteValue(takers[0])} comes first and takes all of it`);
    return;
  }
  for (const [index, taker] of takers.entries()) {
    if (taker === null) continue;
    report.warning(
      [...path, "server-name", index],
      `found ${quoteValue(names[index])}, never matches here: route ${quoteValue(taker)} comes first`,
    );
  }
}

/** The routes before one, by the names that they take. */
class EarlierRoutes {
  readonly #byName = new Map<string, RouteFile[]>();

  add(route: RouteFile): void {
    for (const name of route.serverNames.length === 0 ? [""] : route.serverNames) {
      const routes = this.#byName.get(name);
      if (routes === undefined) this.#byName.set(name, [route]);
      else routes.push(route);
    }
  }

  /**
   * The route that leaves nothing of a name.
   * @param name as a route has it; "" for any
   * @param protocols `null` for any, and for none
   */
  takerOf(name: string, protocols: readonly string[] | null): string | null {
    const left = new Set(protocols ?? []);
    for (const covering of new Set([name, wildcardOf(name), ""])) {
      for (const { name, alpn, passthrough } of this.#byName.get(covering) ?? []) {
        if (passthrough || alpn.length === 0) return name;
        for (const protocol of alpn) left.delete(protocol);
        if (protocols !== null && left.size === 0) return name;
      }
    }
    return null;
  }
}
