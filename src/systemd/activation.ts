import process from "node:process";
import type { ListenerConfig } from "../config/config.ts";
import type { Address } from "../net/address.ts";
import { readEnvironment } from "../runtimes/environment.ts";

/** The first descriptor that a service manager hands over (sd_listen_fds(3)). */
const FIRST_FD = 3;

/** A listening socket that the service manager has handed over. */
interface InheritedSocket {
  fd: number;
  /** What `FileDescriptorName=` of the socket unit says, or "unknown". */
  name: string;
}

/** Lists the sockets that were handed over to this process. */
export function inheritedSockets(
  environment: (name: string) => string | undefined = readEnvironment,
  pid = process.pid,
): InheritedSocket[] {
  if (environment("LISTEN_PID") !== `${pid}`) return [];
  const count = Number(environment("LISTEN_FDS") ?? 0);
  if (!Number.isInteger(count) || count < 0 || count > 1024) return [];
  const names = (environment("LISTEN_FDNAMES") ?? "").split(":");
  return Array.from({ length: count }, (_, index) => ({ fd: FIRST_FD + index, name: names[index] || "unknown" }));
}

/** Which inherited socket is for which address. */
interface Assignment {
  /** For each listener by name, a descriptor or `null` for each of its addresses. */
  fds: Map<string, (number | null)[]>;
  unused: InheritedSocket[];
}

/**
 * Finds out which address each socket is for: by the address that it is bound to, where the runtime can tell, else by
 * the listener's name, else by the order, if there are as many addresses as sockets.
 */
export function assignSockets(
  { listeners }: { listeners: readonly Pick<ListenerConfig, "name" | "listen">[] },
  sockets: InheritedSocket[],
  listensOn: ((fd: number, address: Address) => boolean) | null,
): Assignment {
  const places = listeners.flatMap(({ name, listen }) =>
    listen.map((address, index) => ({ name, index, address, fd: null as number | null }))
  );
  let left = [...sockets];
  const take = (place: typeof places[number], socket: InheritedSocket | undefined) => {
    if (socket === undefined || place.fd !== null) return;
    place.fd = socket.fd;
    left = left.filter((one) => one !== socket);
  };
  for (const place of places) take(place, left.find(({ fd }) => listensOn?.(fd, place.address)));
  for (const place of places) take(place, left.find(({ name }) => name === place.name));
  if (listensOn === null && left.length === places.length) places.forEach((place) => take(place, left[0]));
  const fds = new Map(listeners.map(({ name, listen }) => [name, listen.map((): number | null => null)]));
  for (const { name, index, fd } of places) fds.get(name)![index] = fd;
  return { fds, unused: left };
}
