import { formatAddress } from "../net/address.ts";
import type { AdminConfig } from "../config/config.ts";
import type { Admin } from "../admin/admin.ts";
import type { AdminControl } from "../admin/control.ts";
import type { Monitor } from "./monitor.ts";

/** How long the old endpoint stays open, so that the request that caused the reload can be answered. */
const CLOSE_AFTER_MS = 1_000;

type Settings = AdminConfig & { listen: NonNullable<AdminConfig["listen"]> };

/** The admin endpoint, whose address may change with a reload. */
export class AdminEndpoint {
  #current: { admin: Admin; settings: Settings } | null = null;

  constructor(private readonly monitor: Monitor, private readonly control: AdminControl) {}

  /**
   * Prepares to follow `config`.
   * @returns `commit` to follow it, and `revert` to stay with the old one
   * @throws {Error} when the address cannot be bound; then the old one stays
   */
  async prepare(config: AdminConfig): Promise<{ commit(): void; revert(): Promise<void> }> {
    const { listen } = config;
    const current = this.#current;
    if (current !== null && listen !== null && formatAddress(listen) === formatAddress(current.settings.listen)) {
      return { commit: () => void Object.assign(current.settings, config), revert: () => Promise.resolve() };
    }
    const next = listen === null ? null : await this.#start({ ...config, listen });
    return {
      commit: () => {
        this.#current = next;
        if (current !== null) setTimeout(() => void current.admin.close(), CLOSE_AFTER_MS);
      },
      revert: async () => await next?.admin.close(),
    };
  }

  async close(): Promise<void> {
    await this.#current?.admin.close();
    this.#current = null;
  }

  async #start(settings: Settings): Promise<{ admin: Admin; settings: Settings }> {
    const { startAdmin } = await import("../admin/admin.ts");
    const admin = await startAdmin(settings, this.monitor, this.control);
    this.monitor.options.log.info("admin endpoint", {
      event: "admin-listening",
      address: formatAddress(admin.address),
    });
    return { admin, settings };
  }
}
