import { formatAddress } from "../config/address.ts";
import type { Entry } from "../observe/observer.ts";
import { acceptLoop } from "../proxy/accept.ts";
import type { Listener } from "../runtime/contract.ts";
import { loadRuntime } from "../runtime/detect.ts";
import { tlsListenOptions } from "../tls/options.ts";
import { Generation } from "./generation.ts";
import type { GenerationPlan, PreparedSocket, Reply, Request, RequestName, WorkerEvent } from "./messages.ts";
import type { ListenerPlan } from "./plan.ts";

export interface WorkerOptions {
  index: number;
  /** Several sockets may share an address: other workers', and those of the next generation. */
  reusePort: boolean;
  post: (event: WorkerEvent) => void;
}

/** A listening socket, and for whom it accepts. */
interface Socket {
  id: number;
  listener: Listener;
  /** Its listener's name. */
  name: string;
  address: string;
  /** All that a change of makes another socket necessary. */
  key: string;
  generation: Generation;
}

/** The sockets and connections of one thread. Does what the main thread asks. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #sockets = new Map<number, Socket>();
  /** The one that is served by is the last that was committed. */
  readonly #generations = new Map<number, Generation>();
  #current: Generation | null = null;
  readonly #idPrefix = crypto.randomUUID().slice(0, 8);
  #socketCount = 0;
  #connections = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /**
   * Does what is asked, and answers.
   * @throws {Error} where it cannot be done; then nothing has changed
   */
  async handle<Name extends RequestName>(request: Request<Name>): Promise<Reply<Name>> {
    return await this.#handle(request as Request) as Reply<Name>;
  }

  /** Closes every socket and connection, at once. */
  end(): void {
    this.#current = null;
    for (const id of [...this.#sockets.keys()]) this.#close(id);
    for (const generation of this.#generations.values()) generation.cut();
    this.flush();
  }

  /** Posts what waits to be logged; before the thread ends. */
  flush(): void {
    for (const { observer } of this.#generations.values()) observer.flush();
  }

  async #handle(request: Request): Promise<unknown> {
    switch (request.type) {
      case "prepare":
        return await this.#prepare(request.plan);
      case "commit":
        return this.#commit(request.generation);
      case "abort":
        return this.#abort(request.generation);
      case "retire":
        return this.#retire();
      case "close":
        return request.sockets.forEach((id) => this.#close(id));
      case "cut":
        return this.#cut(request.before);
      case "ping":
        return [...this.#generations.values()].reduce((sum, { active }) => sum + active, 0);
      case "crash":
        setTimeout(() => {
          throw new Error("asked to crash");
        });
    }
  }

  async #prepare(plan: GenerationPlan): Promise<PreparedSocket[]> {
    const { index } = this.#options;
    const generation = await Generation.create(plan, {
      worker: index,
      nextId: () => `${this.#idPrefix}-${index}-${(++this.#connections).toString(36)}`,
      post: (entries: Entry[]) => this.#options.post({ type: "entries", entries }),
      idle: (generation) => this.#checkDrained(generation),
    });
    this.#generations.set(plan.id, generation);
    const prepared: PreparedSocket[] = [];
    try {
      for (const listener of plan.listeners) {
        for (const address of listener.config.listen) {
          const text = formatAddress(address);
          const key = socketKey(listener);
          const kept = this.#socketsOf(this.#current).find((socket) => socket.address === text && socket.key === key);
          const { id, listener: { fd } } = kept ?? await this.#listen(listener, text, key, generation);
          prepared.push({ id, listener: listener.config.name, address, kept: kept !== undefined, fd });
        }
      }
    } catch (error) {
      this.#abort(plan.id);
      throw error;
    }
    return prepared;
  }

  async #listen(plan: ListenerPlan, text: string, key: string, generation: Generation): Promise<Socket> {
    const { config, tls } = plan;
    const { name } = config;
    const address = config.listen.find((address) => formatAddress(address) === text)!;
    let listener: Listener;
    try {
      const runtime = await loadRuntime(tls.engine);
      const { reusePort } = this.#options;
      listener = await runtime.listenTls(tlsListenOptions(config, tls, { address, reusePort }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot listen on ${text} for listener "${name}": ${reason}`, { cause: error });
    }
    const socket: Socket = { id: ++this.#socketCount, listener, name, address: text, key, generation };
    this.#sockets.set(socket.id, socket);
    generation.sockets++;
    acceptLoop(
      listener,
      (conn) => socket.generation.serve(socket.name, conn),
      (error) =>
        this.#log(socket).warn("accepting paused", { event: "exhausted", listener: name, error: error.message }),
    ).catch((error) =>
      this.#log(socket).error("accepting failed", { event: "accept-failed", listener: name, error: String(error) })
    );
    return socket;
  }

  #commit(id: number): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) throw new Error(`Cannot serve by generation ${id}: not prepared`);
    const old = this.#current;
    this.#current = generation;
    if (old === null) return;
    for (const { config, ...tls } of generation.plan.listeners) {
      const key = socketKey({ config, ...tls });
      const addresses = new Set(config.listen.map(formatAddress));
      for (const socket of this.#socketsOf(old)) {
        if (!addresses.has(socket.address) || socket.key !== key) continue;
        socket.generation = generation;
        socket.name = config.name;
        generation.sockets++;
        old.leave();
      }
    }
    this.#checkDrained(old);
  }

  #retire(): void {
    const old = this.#current;
    this.#current = null;
    if (old !== null) this.#checkDrained(old);
  }

  #abort(id: number): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    for (const socket of this.#socketsOf(generation)) this.#close(socket.id);
    generation.cut();
    this.#checkDrained(generation);
  }

  #close(id: number): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return;
    this.#sockets.delete(id);
    socket.listener.close();
    socket.generation.leave();
  }

  #cut(before: number): number {
    const old = [...this.#generations.values()].filter(({ id }) => id < before);
    return old.reduce((sum, generation) => sum + generation.cut(), 0);
  }

  #socketsOf(generation: Generation | null): Socket[] {
    return [...this.#sockets.values()].filter((socket) => socket.generation === generation);
  }

  #checkDrained(generation: Generation): void {
    if (!generation.isIdle || generation === this.#current || !this.#generations.delete(generation.id)) return;
    generation.observer.flush();
    this.#options.post({ type: "drained", generation: generation.id });
  }

  #log({ generation }: Socket) {
    return generation.observer.log;
  }
}

/** Sockets with the same key differ in nothing that the engine has been told. */
function socketKey({ config, tls }: ListenerPlan): string {
  const anywhere = { transport: "unix", path: "" } as const;
  return JSON.stringify([tls.engine, tlsListenOptions(config, tls, { address: anywhere, reusePort: true })]);
}
