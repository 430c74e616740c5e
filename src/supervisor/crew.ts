import type { Observatory } from "../observe/observatory.ts";
import { CrewMember } from "./crew_member.ts";
import type { LimitsBook } from "./limits_book.ts";
import type { Reply, Request, RequestName } from "./messages.ts";
import { InlineWorker, ThreadWorker, type WorkerHandleOptions } from "./worker_handle.ts";

export interface CrewOptions {
  observatory: Observatory;
  limits: LimitsBook;
  /** Several sockets may share an address. */
  reusePort: boolean;
  /** Is told each time that nothing is left of a generation in a worker. */
  onDrained: () => void;
  /** Is told of a worker that has ended though nobody asked for it. */
  onDeath: (member: CrewMember, error: Error) => void;
}

/** All workers that live: those that serve, and those that only drain. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Set<CrewMember>();

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  get members(): CrewMember[] {
    return [...this.#members];
  }

  /** Starts a worker; `inline` in this very thread. */
  hire(index: number, inline: boolean): CrewMember {
    const slot = this.#options.limits.takeSlot();
    const { observatory, reusePort, onDrained, onDeath } = this.#options;
    const options: WorkerHandleOptions = {
      index,
      slot,
      reusePort,
      onEvent: (event) => {
        if (event.type === "entries") observatory.receive(event.entries);
        else if (event.type === "drained") {
          member.drained(event.generation);
          onDrained();
        }
      },
      onDeath: (error) => {
        this.#ended(member);
        onDeath(member, error);
      },
    };
    const member = new CrewMember(inline ? new InlineWorker(options) : new ThreadWorker(options), slot, observatory);
    this.#members.add(member);
    return member;
  }

  /** Ends a worker, and whatever it still has. */
  async end(member: CrewMember): Promise<void> {
    this.#members.delete(member);
    await member.handle.terminate();
    this.#ended(member);
  }

  #ended(member: CrewMember): void {
    this.#members.delete(member);
    member.ended();
    this.#options.limits.freeSlot(member.slot);
  }

  /** Asks every worker; the answers of those that gave one. */
  async askAll<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>[]> {
    const answers = await Promise.allSettled(this.members.map(({ handle }) => handle.ask(request)));
    return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  }
}
