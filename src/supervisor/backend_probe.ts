import type { Address } from "../net/address.ts";
import { loadRuntime } from "../engines/load.ts";
import type { ListenerPlan } from "./plan.ts";

/** Milliseconds that an answer is good for: many may ask whether we are ready. */
const FRESH_MS = 1_000;
/** For a backend on this machine, as most are, a second is long. */
const REACH_MS = 1_000;

/** Connects to a backend and disconnects. */
type Reach = (backend: Address, engine: ListenerPlan["tls"]["engine"]) => Promise<boolean>;

/** Whether the backends of every listener can be reached, by connecting to them; one round at a time. */
export class BackendProbe {
  #answer: Promise<string | null> | null = null;
  #askedMs = 0;

  constructor(private readonly listeners: () => ListenerPlan[], private readonly reach: Reach = reachBackend) {}

  /** Which listeners have no backend that can be reached; `null`: every one has. */
  unready(): Promise<string | null> {
    const nowMs = performance.now();
    if (this.#answer === null || nowMs - this.#askedMs >= FRESH_MS) {
      this.#askedMs = nowMs;
      this.#answer = this.#probe();
    }
    return this.#answer;
  }

  async #probe(): Promise<string | null> {
    const reachable = await Promise.all(
      this.listeners().map(async ({ config, tls }) => ({
        name: config.name,
        works: (await Promise.all(config.backend.map((backend) => this.reach(backend, tls.engine)))).includes(true),
      })),
    );
    const lost = reachable.filter(({ works }) => !works).map(({ name }) => `"${name}"`);
    return lost.length === 0 ? null : `no backend can be reached of listener ${lost.join(", ")}`;
  }
}

async function reachBackend(backend: Address, engine: ListenerPlan["tls"]["engine"]): Promise<boolean> {
  const runtime = await loadRuntime(engine);
  try {
    (await runtime.connect(backend, performance.now() + REACH_MS)).close();
    return true;
  } catch {
    // Why is told by the sessions that need it.
    return false;
  }
}
