import type { ListenerConfig } from "../config/config.ts";
import type { Address } from "../net/address.ts";
import type { TlsListenOptions } from "./listen_options.ts";
import type { TlsPlan } from "./listener_tls.ts";
import { RouteIndex, routeRules } from "./route_index.ts";

/** How one socket of a listener is opened. */
interface SocketOptions {
  address: Address;
  reusePort: boolean;
  /** An inherited listening socket. */
  fd?: number;
}

/** Makes the options of an engine for one address of a listener. */
export function makeListenOptions(config: ListenerConfig, plan: TlsPlan, socket: SocketOptions): TlsListenOptions {
  const rules = routeRules(config);
  const index = new RouteIndex(rules);
  // A listener with a backend of its own refuses nobody: without names there is nothing to decide.
  const decides = plan.engine === "node" && config.routes.length > 0 && (index.byName || !rules.fallback);
  return {
    address: socket.address,
    certificates: plan.certificates,
    challenges: plan.challenges,
    sniStrict: config.sniStrict,
    routes: decides ? rules : null,
    alpn: [...index.alpn],
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    clientAuth: {
      mode: config.clientAuth.mode,
      ca: plan.ca,
      crl: plan.revocationLists.map(({ list }) => list),
    },
    ...accessOf(config, socket.address),
    backlog: config.limits.backlog,
    reusePort: socket.reusePort,
    ...(socket.fd === undefined ? {} : { fd: socket.fd }),
    preamble: config.acceptProxy.length > 0,
  };
}

function accessOf(config: ListenerConfig, address: Address): Pick<TlsListenOptions, "access"> {
  const { listenMode: mode, listenOwner: owner, listenGroup: group } = config;
  const isPath = address.transport === "unix" && !address.path.startsWith("\0");
  return isPath && (mode || owner || group) ? { access: { mode, owner, group } } : {};
}
