import { lookup } from "node:dns/promises";
import { createServer, isIP } from "node:net";
import { formatAddress } from "../../net/address.ts";
import type { Address } from "../../net/address.ts";
import { bindOnce } from "../../engines/deno/bind_once.ts";
import { checkUnixPath } from "../../linux/unix_socket.ts";
import { explainListenError } from "../../net/system_error.ts";
import { runtimeName } from "../../runtimes/name.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * The addresses that listeners are bound to, where the configuration leaves the port open or has a name. They stay the
 * same over reloads.
 */
export class BoundAddresses {
  #resolved = new Map<string, Address>();

  /**
   * Finds a port where the plan leaves it open, and makes sure that no other process listens on the others. The workers
   * share their addresses (SO_REUSEPORT), and would silently share them with another instance, too.
   *
   * @param served addresses that this process listens on already
   * @returns the plan with every address resolved, and a function that keeps these addresses for the next time
   * @throws {Error} naming the listener and the address that is taken, or cannot be bound for another reason
   */
  async resolve(plan: Plan, served: readonly string[]): Promise<{ plan: Plan; keep(): void }> {
    const own = new Set(served);
    const ownPorts = new Set(served.map(portOf));
    const resolved = new Map<string, Address>();
    const listeners = [];
    for (const { config, tls, fds, health } of plan.listeners) {
      const listen: Address[] = [];
      for (const [index, address] of config.listen.entries()) {
        const text = formatAddress(address);
        const key = JSON.stringify([config.name, index, text]);
        let found = this.#resolved.get(key);
        if (found === undefined || !own.has(formatAddress(found))) {
          // Another socket of this process on the port, for the other family, would make a free address seem taken.
          const isOurs = own.has(text) || (address.transport === "tcp" && ownPorts.has(`${address.port}`));
          found = isOurs || fds[index] !== null ? address : await claim(address, text, config.name);
        }
        resolved.set(key, found);
        listen.push(found);
      }
      listeners.push({ config: { ...config, listen }, tls, fds, health });
    }
    return {
      plan: { ...plan, config: { ...plan.config, listeners: listeners.map(({ config }) => config) }, listeners },
      keep: () => void (this.#resolved = resolved),
    };
  }
}

async function claim(address: Address, text: string, listener: string): Promise<Address> {
  try {
    if (address.transport === "tcp") {
      return await bindAlone({ ...address, hostname: await resolveName(address.hostname) });
    }
    await checkUnixPath(address.path);
    return address;
  } catch (error) {
    const reason = explainListenError(error, address);
    throw new Error(`Cannot listen on ${text} for listener "${listener}": ${reason}`, { cause: error });
  }
}

/**
 * Looks a name up once, so that every worker binds the same address. A failed lookup also says more than a failed bind.
 */
async function resolveName(hostname: string): Promise<string> {
  return isIP(hostname) !== 0 || hostname.includes("%") ? hostname : (await lookup(hostname)).address;
}

/** Binds the address for a moment, without sharing it. */
function bindAlone(address: Address & { transport: "tcp" }): Promise<Address> {
  const { hostname, port } = address;
  // Where this fails, what follows says why.
  const own = runtimeName() === "deno" && isIP(hostname) === 4 ? bindOnce(address) : null;
  if (own !== null) return Promise.resolve({ ...address, ...own });
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", reject);
    server.listen({ host: hostname, port, exclusive: true, ipv6Only: hostname.includes(":"), backlog: 1 }, () => {
      const bound = server.address();
      const own = bound !== null && typeof bound === "object" ? { hostname: bound.address, port: bound.port } : {};
      server.close(() => resolve({ ...address, ...own }));
    });
  });
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
