/** How new connections are divided among the listening sockets of one address. */
import { type Choice, chooseProgram, clientProgram, type HashKey } from "../../linux/steering_program.ts";

/** A rule by which one of several members gets a new connection, and from which a program for the kernel is made. */
export interface Steering<Member> {
  /** The members that can get a connection. */
  readonly members: ReadonlySet<Member>;
  /** The same rule without `member`, whose part the others take; `null` where none is left. */
  without(member: Member): Steering<Member> | null;
  /** @param indexOf the kernel's number of a member */
  program(indexOf: (member: Member) => number): Uint8Array<ArrayBuffer>;
}

/** Chooses at random, each member as often as its weight says. */
export class WeightedSteering<Member> implements Steering<Member> {
  readonly members: ReadonlySet<Member>;

  /** @param weights positive integers; at least one member */
  constructor(private readonly weights: ReadonlyMap<Member, number>) {
    this.members = new Set(weights.keys());
  }

  without(member: Member): Steering<Member> | null {
    const rest = new Map([...this.weights].filter(([one]) => one !== member));
    return rest.size === 0 ? null : new WeightedSteering(rest);
  }

  program(indexOf: (member: Member) => number): Uint8Array<ArrayBuffer> {
    return chooseProgram([...this.weights].map(([member, weight]): Choice => ({ index: indexOf(member), weight })));
  }
}

/** Chooses by the client's address, so that the same client always gets the same member. */
export class ClientSteering<Member> implements Steering<Member> {
  readonly members: ReadonlySet<Member>;

  /**
   * @param owners the member that each bucket of clients belongs to
   * @param key the key of the hash of the addresses
   */
  constructor(private readonly owners: readonly Member[], private readonly key: HashKey) {
    this.members = new Set(owners);
  }

  /** The buckets of `member` go to the others in turn. */
  without(member: Member): Steering<Member> | null {
    const others = [...this.members].filter((one) => one !== member);
    if (others.length === 0) return null;
    let turn = 0;
    const owners = this.owners.map((owner) => owner === member ? others[turn++ % others.length] : owner);
    return new ClientSteering(owners, this.key);
  }

  program(indexOf: (member: Member) => number): Uint8Array<ArrayBuffer> {
    return clientProgram(this.owners.map(indexOf), this.key);
  }
}
