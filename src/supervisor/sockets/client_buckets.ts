/** How many buckets there are. A client's address is hashed into one, which belongs to one worker. */
export const BUCKETS = 256;

/**
 * Which worker each bucket of clients belongs to. That depends on the number of workers alone, and when it changes,
 * only as many buckets move as have to. A client that moves to another worker cannot resume its TLS session there.
 */
export class ClientBuckets {
  #owners: number[] = new Array(BUCKETS).fill(0);
  #workers = 1;

  /**
   * Returns the index of each bucket's worker.
   * @param workers how many workers serve, at least 1; with more than {@linkcode BUCKETS} some have no clients
   */
  owners(workers: number): readonly number[] {
    if (workers === this.#workers) return this.#owners;
    const owned: number[][] = Array.from({ length: workers }, () => []);
    const free: number[] = [];
    this.#owners.forEach((owner, bucket) => (owned[owner] ?? free).push(bucket));
    const least = Math.floor(BUCKETS / workers);
    let extra = BUCKETS % workers;
    // Where the buckets cannot be divided evenly, the workers that have the most keep one more.
    const order = owned.toSorted((a, b) => b.length - a.length);
    const quotas = new Map(order.map((buckets) => [buckets, least + (extra-- > 0 ? 1 : 0)]));
    for (const buckets of order) free.push(...buckets.splice(quotas.get(buckets)!));
    const next: number[] = new Array(BUCKETS);
    owned.forEach((buckets, worker) => {
      while (buckets.length < quotas.get(buckets)!) buckets.push(free.pop()!);
      for (const bucket of buckets) next[bucket] = worker;
    });
    this.#owners = next;
    this.#workers = workers;
    return next;
  }
}
