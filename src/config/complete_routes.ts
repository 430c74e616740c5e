import type { Path } from "./positions.ts";
import { formatAddress } from "../net/address.ts";
import type { IsGiven } from "./is_given.ts";
import { fieldsOf } from "./schema/schema_types.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";
import { HEALTH, TARGET } from "./schema/schema_route.ts";

/** TLVs that tell of the client's TLS, which the proxy does not know where it is passed through. */
const TLS_TLVS = ["alpn", "ssl", "client-cert"];

/**
 * Gives each route its default name, and what it has from its listener.
 * @param listener changed in place
 * @param path of the listener
 */
export function completeRoutes(listener: ListenerFile, path: Path, isGiven: IsGiven): void {
  for (const [index, route] of listener.routes.entries()) {
    if (route.name === "") route.name = route.serverNames[0] ?? (route.alpn.join(",") || "any");
    for (const [field, { name }] of fieldsOf(TARGET)) {
      if (isGiven([...path, "route", index, name])) continue;
      Object.assign(route, { [field]: listener[field as keyof typeof TARGET] });
    }
    for (const [field, { name }] of fieldsOf(HEALTH)) {
      if (isGiven([...path, "route", index, "health", name])) continue;
      Object.assign(route.health, { [field]: listener.health[field as keyof typeof HEALTH] });
    }
    if (!isGiven([...path, "route", index, "spare"])) {
      // The spares of the listener get decrypted bytes, and a route with passthrough has none to give them.
      const own = new Set(route.backend.map(({ to }) => formatAddress(to)));
      route.spare = route.passthrough ? [] : route.spare.filter((spare) => !own.has(formatAddress(spare)));
    }
    if (route.passthrough && !isGiven([...path, "route", index, "health", "path"])) route.health.path = "";
    if (route.passthrough && !isGiven([...path, "route", index, "proxy-protocol-tlvs"])) {
      route.proxyProtocolTlvs = route.proxyProtocolTlvs.filter((tlv) => !TLS_TLVS.includes(tlv));
    }
  }
}

/** The first TLV of a list that cannot be told of a connection that is passed through. */
export function untoldTlv(tlvs: readonly string[]): string | undefined {
  return tlvs.find((tlv) => TLS_TLVS.includes(tlv));
}
