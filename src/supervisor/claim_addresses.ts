import { createServer } from "node:net";
import { formatAddress } from "../config/address.ts";
import type { Address } from "../config/config.ts";
import type { Plan } from "./plan.ts";

/**
 * Finds a port wherever the plan leaves it open, and makes sure that nobody else listens on the others. The workers share
 * their addresses (SO_REUSEPORT), and would without a word share them with another instance, too.
 *
 * @param served addresses that this process listens on already
 * @returns the plan with every port known
 * @throws {Error} naming the listener and the address that is taken, or cannot be bound for another reason
 */
export async function claimAddresses(plan: Plan, served: readonly Address[] = []): Promise<Plan> {
  const own = new Set(served.map(formatAddress));
  const ownPorts = new Set(served.map((address) => address.transport === "tcp" ? address.port : -1));
  const listeners = [];
  for (const { config, tls } of plan.listeners) {
    const listen: Address[] = [];
    for (const address of config.listen) {
      // The other family's socket of ours would be in the way of a port that is free.
      const isOurs = address.transport === "unix" || own.has(formatAddress(address)) || ownPorts.has(address.port);
      try {
        listen.push(isOurs ? address : await claim(address));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(
          `Cannot listen on ${formatAddress(address)} for listener "${config.name}": ${reason}`,
          { cause: error },
        );
      }
    }
    listeners.push({ config: { ...config, listen }, tls });
  }
  return { config: { ...plan.config, listeners: listeners.map(({ config }) => config) }, listeners };
}

/** Binds the address for a moment, alone. */
function claim(address: Address & { transport: "tcp" }): Promise<Address> {
  const { hostname, port } = address;
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", reject);
    server.listen({ host: hostname, port, exclusive: true, ipv6Only: hostname.includes(":"), backlog: 1 }, () => {
      const bound = server.address();
      server.close(() =>
        resolve({ ...address, port: bound !== null && typeof bound === "object" ? bound.port : port })
      );
    });
  });
}
