import type { KnownBackend } from "./backend_health.ts";
import { probeBackend } from "./probe_backend.ts";

/** How long an answer is used again, because several may ask whether the process is ready. */
const FRESH_MS = 1_000;
/** How long to try to connect. Most backends are on this machine, and then a second is long. */
const REACH_MS = 1_000;
/** How many backends are connected to at a time, until one answers. */
const AT_ONCE = 16;

/** Connects to a backend and disconnects. */
type Reach = (backend: KnownBackend) => Promise<boolean>;

/**
 * Tells for `/readyz` whether every listener has a backend that is up, of whatever route. A backend that is probed is
 * up by its last probes, another one when it can be connected to. There is one round of connecting at a time.
 */
export class Readiness {
  #answer: Promise<string | null> | null = null;
  #askedMs = 0;

  constructor(private readonly backends: () => readonly KnownBackend[], private readonly reach: Reach = reachBackend) {}

  /** Says in one line which listeners have no backend that is up; `null` where every one has. */
  unready(): Promise<string | null> {
    // What probes have found costs nothing to read.
    if (this.backends().every(isProbed)) return this.#probe();
    const nowMs = performance.now();
    if (this.#answer === null || nowMs - this.#askedMs >= FRESH_MS) {
      this.#askedMs = nowMs;
      this.#answer = this.#probe();
    }
    return this.#answer;
  }

  async #probe(): Promise<string | null> {
    const listeners = Map.groupBy(this.backends(), ({ listener }) => listener);
    const answers = await Promise.all(
      [...listeners].map(async ([name, backends]) => ({ name, isUp: await this.#isAnyUp(backends) })),
    );
    const lost = answers.filter(({ isUp }) => !isUp).map(({ name }) => `"${name}"`);
    return lost.length === 0 ? null : `no backend can be reached of listener ${lost.join(", ")}`;
  }

  async #isAnyUp(backends: KnownBackend[]): Promise<boolean> {
    if (backends.some((backend) => isProbed(backend) && !backend.health.isDown)) return true;
    const others = backends.filter((backend) => !isProbed(backend));
    for (let at = 0; at < others.length; at += AT_ONCE) {
      const reached = await Promise.all(others.slice(at, at + AT_ONCE).map((backend) => this.reach(backend)));
      if (reached.includes(true)) return true;
    }
    return false;
  }
}

function isProbed({ target }: KnownBackend): boolean {
  return target.health.intervalMs > 0;
}

async function reachBackend(backend: KnownBackend): Promise<boolean> {
  const health = { ...backend.target.health, path: "", timeoutMs: REACH_MS };
  // Why it can't be reached is told by the sessions that need it.
  return await probeBackend({ ...backend, target: { ...backend.target, health } }) === null;
}
