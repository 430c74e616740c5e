/** Buckets that a client's address is hashed into; each belongs to one worker. */
export const BUCKETS = 256;

/**
 * Which worker, by its index, each bucket of clients belongs to. It depends on the number of workers alone, and when that
 * changes only as many buckets move as have to: a client that moves to another worker cannot resume its TLS session there.
 */
export class ClientBuckets {
  #owners: number[] = new Array(BUCKETS).fill(0);
  #workers = 1;

  /**
   * The owners of all buckets where `workers` indices from 0 serve.
   * @param workers at least 1; more than {@linkcode BUCKETS} leave some without clients
   */
  owners(workers: number): readonly number[] {
    if (workers === this.#workers) return this.#owners;
    const owned: number[][] = Array.from({ length: workers }, () => []);
    const free: number[] = [];
    this.#owners.forEach((owner, bucket) => (owned[owner] ?? free).push(bucket));
    const least = Math.floor(BUCKETS / workers);
    let extra = BUCKETS % workers;
    // Those that have the most keep the buckets that cannot be shared out evenly.
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
