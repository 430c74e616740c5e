/** Something that {@linkcode Members} keeps. */
export interface Member {
  /** Where it is in the list of its {@linkcode Members}; {@linkcode NO_PLACE} in none. Nobody else sets it. */
  place: number;
}

export const NO_PLACE = -1;

/**
 * What comes and goes with each connection. A Map or a Set would keep what has left it, on V8: its table is replaced
 * after every few deletions, and the old one refers to the new one and to what it held. As soon as one such table is in
 * the old generation, all that follow are kept until a full collection, with the connections in them.
 */
export class Members<T extends Member> {
  private readonly list: T[] = [];

  get size(): number {
    return this.list.length;
  }

  add(member: T): void {
    member.place = this.list.push(member) - 1;
  }

  /** Returns whether the member was there. The last one takes its place. */
  delete(member: T): boolean {
    const { place } = member;
    if (this.list[place] !== member) return false;
    const last = this.list.pop()!;
    if (last !== member) {
      this.list[place] = last;
      last.place = place;
    }
    member.place = NO_PLACE;
    return true;
  }

  /** All members, backwards, so that each may leave meanwhile. */
  *keys(): Generator<T> {
    for (let place = this.list.length - 1; place >= 0; place--) {
      // Several may have left at once.
      if (place < this.list.length) yield this.list[place];
    }
  }
}
