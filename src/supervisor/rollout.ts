import { clearInterval, setInterval, setTimeout } from "node:timers";
import type { Log } from "../observe/log.ts";
import type { Observatory } from "../observe/observatory.ts";
import { releaseMemorySoon } from "../runtime/release_memory.ts";
import { sharesPorts } from "../runtime/shares_ports.ts";
import { shortenTurns } from "../runtime/turns.ts";
import { Crew } from "./crew.ts";
import type { CrewMember } from "./crew_member.ts";
import { type Door, Doors } from "./doors.ts";
import { LimitsBook } from "./limits_book.ts";
import type { Plan } from "./plan.ts";
import { spreadWeights } from "./spread.ts";
import type { SocketCalls } from "./socket_group.ts";

export interface RolloutOptions {
  log: Log;
  observatory: Observatory;
  /** `null` where the runtime has none. */
  calls: SocketCalls | null;
  /** As many as this process can have at once. */
  maxConnections: number;
}

/**
 * A socket that was replaced goes on accepting until the handshakes have ended that were under way with it. This long, where
 * nobody tells which those are, and at most so long: the kernel sends a SYN-ACK again after 1, 3, 7, 15 and 31 s.
 */
const LINGER_MS = 5_000;
const LONGEST_LINGER_MS = 63_000;
/** For a SYN that was on its way to the old socket when new ones got another. */
const FIRST_LINGER_MS = 50;
const LONGEST_LINGER_POLL_MS = 1_000;
/** How often it is looked whether some workers have more to do than others. */
const SPREAD_MS = 100;
/** How often it is looked whether a queue is empty. */
const QUEUE_POLL_MS = 5;
/** A worker that could not be replaced is tried again after this. */
const REPLACE_RETRY_MS = 500;
/** Connections that were cut have this long to say so. */
const CUT_MS = 2_000;

/** Brings plans into service, one generation after the other, and lets the old ones drain. */
export class Rollout {
  readonly crew: Crew;
  readonly doors: Doors;
  readonly #log: Log;
  readonly #observatory: Observatory;
  readonly #limits: LimitsBook;
  /** Connections at each address when its weights were last set. */
  readonly #arrivals = new Map<string, number>();
  /** Whether a single worker needs no thread of its own. */
  readonly #inline = shortenTurns();
  readonly #spreading = setInterval(() => this.#spread(), SPREAD_MS);
  #team: CrewMember[] = [];
  #plan: Plan | null = null;
  /** Doors that wait to be shut. */
  readonly #superseded = new WeakSet<Door>();
  #generation = 0;
  #ending = false;
  /** Sockets join and leave their groups one after the other, or the kernel would number them otherwise than we do. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ log, observatory, calls, maxConnections }: RolloutOptions) {
    this.#limits = new LimitsBook(maxConnections);
    this.#log = log;
    this.#observatory = observatory;
    this.doors = new Doors(calls);
    this.crew = new Crew({
      observatory,
      limits: this.#limits,
      reusePort: sharesPorts(),
      onDrained: () => releaseMemorySoon(() => calls?.trimMemory()),
      onDeath: (member, error) => this.#died(member, error),
    });
  }

  /** The number of the generation that serves. */
  get generation(): number {
    return this.#generation;
  }

  /** The workers that serve. */
  get team(): readonly CrewMember[] {
    return this.#team;
  }

  /**
   * Serves by `plan` from now on: resolves once new connections go to it. What served before drains, for as long as the plan
   * allows.
   * @throws {Error} where it cannot be served; then everything is as it was
   */
  deploy(plan: Plan, workers: number): Promise<void> {
    return this.#inTurn(async () => {
      const generation = this.#generation + 1;
      const inline = workers === 1 && this.#inline;
      const team = Array.from(
        { length: workers },
        (_, index) =>
          this.#living.find(({ handle }) => handle.index === index && handle.isInline === inline) ??
            this.crew.hire(index, inline),
      );
      const doors = await this.#prepare(team, generation, plan);
      // Whoever dies now is replaced like any other.
      await Promise.allSettled(team.map(({ handle }) => handle.ask({ type: "commit", generation })));
      this.#limits.set(plan);
      this.doors.choose(doors);
      const dismissed = this.#team.filter((member) => !team.includes(member));
      this.#team = team;
      this.#plan = plan;
      this.#generation = generation;
      this.#supersede(plan, dismissed);
    });
  }

  /**
   * Shuts every door, once those who wait there are let in; what is connected lives on.
   * @param graceMs how long those may take who wait for a connection to end
   */
  async drain(graceMs: number): Promise<void> {
    this.#ending = true;
    await this.#turn;
    await Promise.all(this.doors.all.map((door) => this.#shut(door, graceMs)));
    await this.crew.askAll({ type: "retire" });
    await Promise.all(this.crew.members.map((member) => member.whenEmpty()));
  }

  /** Shuts every door and ends every connection now, and returns how many there were. */
  async cut(): Promise<number> {
    this.#ending = true;
    await Promise.all(this.doors.all.map((door) => this.#close(door)));
    await this.crew.askAll({ type: "retire" });
    const counts = await this.crew.askAll({ type: "cut", before: Infinity });
    // Each is logged when it has ended.
    await Promise.race([
      Promise.all(this.crew.members.map((member) => member.whenEmpty())),
      new Promise((resolve) => setTimeout(resolve, CUT_MS).unref()),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Lets whoever has fewer connections get more of the new ones. */
  #spread(): void {
    for (const doors of this.doors.chosenGroups()) {
      if (doors.length < 2) continue;
      const [{ listener, address }] = doors;
      const { counts, arrivals } = this.#limits.connections(listener, doors.map(({ worker }) => worker.slot));
      const before = this.#arrivals.get(address) ?? 0;
      if (arrivals === before) continue;
      this.#arrivals.set(address, arrivals);
      this.doors.weigh(doors, spreadWeights(counts, arrivals - before));
    }
  }

  /** Whether every worker answers. */
  async isWell(): Promise<boolean> {
    const { length } = this.crew.members;
    return (await this.crew.askAll({ type: "ping" })).length === length;
  }

  /** Ends every worker. */
  async end(): Promise<void> {
    this.#ending = true;
    clearInterval(this.#spreading);
    await Promise.all(this.crew.members.map((member) => this.crew.end(member)));
    for (const door of this.doors.all) this.doors.closed(door);
  }

  get #living(): CrewMember[] {
    const living = new Set(this.crew.members);
    return this.#team.filter((member) => living.has(member));
  }

  /** Lets every worker of the team bind what it needs. */
  async #prepare(team: CrewMember[], generation: number, plan: Plan): Promise<Door[]> {
    const doors: Door[] = [];
    const before = new Set(this.doors.all);
    const limits = this.#limits.grant(plan);
    try {
      for (const member of team) {
        const openBefore = this.doors.openFds();
        const sockets = await member.prepare(generation, plan, limits);
        doors.push(...sockets.map((socket) => this.doors.open(member, socket, openBefore)));
      }
      return doors;
    } catch (error) {
      for (const { handle } of team) await handle.ask({ type: "abort", generation }).catch(() => {});
      for (const door of doors) if (!before.has(door)) this.doors.closed(door);
      for (const member of team) if (!this.#team.includes(member)) await this.crew.end(member);
      throw error;
    }
  }

  /** What the plan does not use any more drains. */
  #supersede({ config: { shutdown: { graceMs } } }: Plan, dismissed: CrewMember[]): void {
    const addresses = new Set([...this.doors.chosen].map(({ address }) => address));
    for (const door of this.doors.all) {
      if (this.doors.chosen.has(door) || this.#superseded.has(door)) continue;
      this.#superseded.add(door);
      this.doors.refuseNew(door);
      // Where nobody listens any more there is no reason to wait for those who have not quite come; and an inherited socket
      // is the next generation's as well.
      void (addresses.has(door.address) && door.member !== null ? this.#linger(door) : Promise.resolve()).then(() =>
        this.#shut(door, graceMs)
      );
    }
    for (const member of dismissed) {
      member.handle.ask({ type: "retire" }).catch(() => {});
      void member.whenEmpty().then(() => this.crew.end(member));
    }
    const before = this.#generation;
    const cut = () => {
      void this.crew.askAll({ type: "cut", before });
      for (const { handle } of dismissed) handle.ask({ type: "cut", before: Infinity }).catch(() => {});
    };
    setTimeout(cut, graceMs).unref();
  }

  /** Resolves when no TCP handshake with the door is under way any more. */
  async #linger(door: Door): Promise<void> {
    const startMs = performance.now();
    try {
      await sleep(FIRST_LINGER_MS);
      // New sockets have the same address: what they begin later does not count.
      let clients = this.doors.halfOpen(door);
      for (let pauseMs = FIRST_LINGER_MS; clients.size > 0; pauseMs = Math.min(pauseMs * 2, LONGEST_LINGER_POLL_MS)) {
        if (performance.now() - startMs > LONGEST_LINGER_MS) return;
        await sleep(pauseMs);
        clients = clients.intersection(this.doors.halfOpen(door));
      }
    } catch {
      await sleep(LINGER_MS);
    }
  }

  async #shut(door: Door, graceMs: number): Promise<void> {
    this.doors.refuseNew(door);
    const deadline = performance.now() + graceMs;
    while (this.doors.waiting(door) > 0 && performance.now() < deadline) {
      await sleep(QUEUE_POLL_MS);
    }
    await this.#close(door);
    await this.#inTurn(() => this.doors.closed(door));
  }

  async #close({ worker, id }: Door): Promise<void> {
    // A worker that has ended has closed it already.
    await worker.handle.ask({ type: "close", sockets: [id] }).catch(() => {});
  }

  #died(member: CrewMember, error: Error): void {
    const { index } = member.handle;
    this.#log.error("worker died", { event: "worker-died", worker: index, error: error.message });
    void this.#inTurn(async () => {
      for (const door of this.doors.all) if (door.worker === member) this.doors.closed(door);
      await this.#replace(member);
    });
  }

  async #replace(dead: CrewMember): Promise<void> {
    const plan = this.#plan;
    if (plan === null || this.#ending || !this.#team.includes(dead)) return;
    const { index, isInline } = dead.handle;
    const generation = this.#generation;
    this.#observatory.workerRestarts++;
    try {
      const member = this.crew.hire(index, isInline);
      const doors = await this.#prepare([member], generation, plan);
      await member.handle.ask({ type: "commit", generation });
      this.#team = this.#team.map((one) => one === dead ? member : one);
      this.doors.choose([...this.doors.chosen, ...doors]);
      this.#log.info("worker replaced", { event: "worker-replaced", worker: index });
    } catch (error) {
      this.#log.error("worker could not be replaced, will be tried again", {
        event: "worker-not-replaced",
        worker: index,
        error: error instanceof Error ? error.message : String(error),
      });
      setTimeout(() => void this.#inTurn(() => this.#replace(dead)), REPLACE_RETRY_MS).unref();
    }
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
