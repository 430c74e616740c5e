import { type Address, formatAddress } from "../net/address.ts";
import type { RedirectServer } from "../redirect/redirect_server.ts";
import type { Monitor } from "./monitor.ts";

/** The endpoint that redirects plain HTTP, whose address may change with a reload. */
export class RedirectEndpoint {
  #current: { server: RedirectServer; asked: string } | null = null;

  constructor(private readonly monitor: Monitor) {}

  /**
   * Prepares to listen on another address.
   * @param listen the address; `null` for none
   * @param fd an inherited listening socket, or `null`
   * @returns `commit` to do so, and `revert` to stay with the old one
   * @throws {Error} when the address cannot be bound; then the old one stays
   */
  async prepare(listen: Address | null, fd: number | null): Promise<{ commit(): void; revert(): Promise<void> }> {
    const asked = listen === null ? "" : `${formatAddress(listen)} ${fd}`;
    const current = this.#current;
    if (asked === (current?.asked ?? "")) return { commit: () => {}, revert: () => Promise.resolve() };
    const server = listen === null ? null : await this.#start(listen, fd);
    return {
      commit: () => {
        this.#current = server === null ? null : { server, asked };
        void current?.server.close();
        if (server === null) return;
        const address = formatAddress(server.address);
        this.monitor.options.log.info("redirecting", { event: "redirect-listening", address });
      },
      revert: async () => await server?.close(),
    };
  }

  async #start(listen: Address, fd: number | null): Promise<RedirectServer> {
    const { startRedirect } = await import("../redirect/redirect_server.ts");
    return await startRedirect(listen, fd, this.monitor.redirect);
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    await current?.server.close();
  }
}
