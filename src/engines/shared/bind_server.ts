import type { AddressInfo, ListenOptions, Server } from "node:net";
import { bindUnixPath, type BoundName, checkUnixPath } from "../../linux/unix_socket.ts";
import type { Address } from "../../net/address.ts";

/** Where a server listens. */
export interface Binding {
  /** The address as it was configured, with the bound port. */
  address: Address;
  /** The address as the kernel has it. */
  bound: Address;
  /** The name of the Unix socket; of a TCP address, one without effect. */
  name: BoundName;
}

/**
 * Lets a server of `node:net` or `node:http` listen on an address that nobody else listens on.
 * @throws {Error} when the address cannot be bound
 */
export async function bindServer(server: Server, listen: Address): Promise<Binding> {
  if (listen.transport === "unix") {
    await checkUnixPath(listen.path);
    const { bound: path, name } = await bindUnixPath(listen.path, async (path) => {
      await listenTo(server, { path });
      return path;
    });
    return { address: listen, bound: { transport: "unix", path }, name };
  }
  await listenTo(server, { host: listen.hostname, port: listen.port });
  const { address, port } = server.address() as AddressInfo;
  return { address: { ...listen, port }, bound: { ...listen, hostname: address, port }, name: { release() {} } };
}

/**
 * Resolves when a server listens.
 * @param options as for `Server.listen`; `fd` is a listening socket, which the server takes over
 */
export function listenTo(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
