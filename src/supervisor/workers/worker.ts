import { formatAddress } from "../../net/address.ts";
import type { Entry } from "../../log/worker_monitor.ts";
import { acceptLoop } from "../../proxy/accept.ts";
import { AcceptLimiter } from "../../proxy/limits/accept_limiter.ts";
import type { Listener } from "../../engines/contract.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { loadEngine } from "../../engines/load.ts";
import { releaseMemorySoon } from "../../engines/shared/release_memory.ts";
import { makeListenOptions } from "../../tls/make_listen_options.ts";
import type { Reason } from "../../metrics/reasons.ts";
import { Generation } from "./generation.ts";
import type { GenerationPlan, PreparedSocket, Reply, Request, RequestName, WorkerEvent } from "./messages.ts";
import type { ListenerPlan } from "../plan/plan.ts";
import { warnSeldom } from "./warn_seldom.ts";

/** How often a drain looks for clients that have sent nothing. */
const SILENCE_CHECK_MS = 100;

interface WorkerOptions {
  index: number;
  /** Its column in the limits' memory. */
  slot: number;
  /** Whether sockets share an address with those of other workers and generations. */
  reusePort: boolean;
  /** What the keys of session tickets are made from, until another one comes. */
  ticketSecret: Uint8Array;
  post: (event: WorkerEvent) => void;
}

/** A listening socket, and the generation that it accepts for. */
interface Socket {
  id: number;
  listener: Listener;
  /** The name of its listener in the configuration. */
  name: string;
  address: string;
  engine: ListenerPlan["tls"]["engine"];
  /** The options that the engine was given, as JSON. */
  options: string;
  /** The generation that new connections belong to. */
  generation: Generation;
  limiter: AcceptLimiter;
  /** Makes the socket accept for the prepared generation; `null` where it is not to. */
  renew: (() => void) | null;
}

/** Holds the sockets and connections of one thread, and does what the main thread requests. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #sockets = new Map<number, Socket>();
  /** Generations by their numbers. The one that was committed last is served. */
  readonly #generations = new Map<number, Generation>();
  #current: Generation | null = null;
  readonly #idPrefix = crypto.randomUUID().slice(0, 8);
  #socketCount = 0;
  #ticketSecret: Uint8Array;
  /** Ends connections whose clients have sent nothing, again and again during a drain. */
  #silenceChecks: ReturnType<typeof setInterval> | undefined;
  #connections = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#ticketSecret = options.ticketSecret;
  }

  /**
   * Does what is requested, and returns the reply.
   * @throws {Error} where it cannot be done; then nothing has changed
   */
  async handle<Name extends RequestName>(request: Request<Name>): Promise<Reply<Name>> {
    return await this.#handle(request as Request) as Reply<Name>;
  }

  /** Closes every socket and connection, at once. */
  end(): void {
    clearInterval(this.#silenceChecks);
    this.#current = null;
    for (const id of [...this.#sockets.keys()]) this.#close(id);
    for (const generation of this.#generations.values()) generation.cut();
    this.flush();
  }

  /** Posts the entries that wait to be logged. To be called before the thread ends. */
  flush(): void {
    for (const { monitor } of this.#generations.values()) monitor.flush();
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
        return this.#cut(request.before, request.reason);
      case "end-silent":
        return this.#endSilent();
      case "tickets":
        this.#ticketSecret = request.secret;
        return this.#sockets.forEach(({ listener }) => listener.shareTickets?.(request.secret));
      case "ping":
        return [...this.#generations.values()].reduce((sum, { active }) => sum + active, 0);
      case "crash":
        setTimeout(() => {
          throw new Error("asked to crash");
        });
    }
  }

  async #prepare(plan: GenerationPlan): Promise<PreparedSocket[]> {
    const { index, slot } = this.#options;
    const generation = await Generation.create(plan, {
      worker: index,
      slot,
      nextId: () => `${this.#idPrefix}-${index}-${(++this.#connections).toString(36)}`,
      post: (entries: Entry[]) => this.#options.post({ type: "entries", entries }),
      idle: (generation) => this.#checkDrained(generation),
    });
    this.#generations.set(plan.id, generation);
    const prepared: PreparedSocket[] = [];
    try {
      for (const plan of generation.plan.listeners) {
        for (const [index, address] of plan.config.listen.entries()) {
          const fd = plan.fds[index] ?? undefined;
          // A Unix socket cannot be shared by SO_REUSEPORT, so one worker serves it.
          if (address.transport === "unix" && fd === undefined && this.#options.index > 0) continue;
          const reusePort = this.#options.reusePort && fd === undefined;
          const asked = makeListenOptions(plan.config, plan.tls, { address, reusePort, fd });
          const kept = this.#keep(plan, asked, generation);
          const { id, listener } = kept ?? await this.#listen(plan, asked, generation);
          prepared.push({
            id,
            listener: plan.config.name,
            address,
            kept: kept !== null,
            inherited: fd !== undefined,
            fd: listener.fd,
          });
        }
      }
    } catch (error) {
      this.#abort(plan.id);
      throw error;
    }
    return prepared;
  }

  /** Finds a socket that listens on the address already and can go on for the new generation. */
  #keep({ config, tls }: ListenerPlan, asked: TlsListenOptions, generation: Generation): Socket | null {
    const text = formatAddress(asked.address);
    const socket = this.#socketsOf(this.#current).find((socket) => socket.address === text);
    if (socket === undefined || socket.engine !== tls.engine) return null;
    const options = JSON.stringify(asked);
    let renew = () => {};
    if (socket.options !== options) {
      if (socket.listener.renew === undefined) return null;
      renew = socket.listener.renew(asked);
    }
    socket.renew = () => {
      renew();
      socket.options = options;
      socket.name = config.name;
      socket.generation.leave();
      socket.generation = generation;
      generation.sockets++;
    };
    return socket;
  }

  async #listen({ config, tls }: ListenerPlan, options: TlsListenOptions, generation: Generation): Promise<Socket> {
    const { name } = config;
    const { address } = options;
    let listener: Listener;
    try {
      listener = await (await loadEngine(tls.engine)).listenTls(options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot listen on ${formatAddress(address)} for listener "${name}": ${reason}`, { cause: error });
    }
    listener.shareTickets?.(this.#ticketSecret);
    const socket: Socket = {
      id: ++this.#socketCount,
      listener,
      name,
      address: formatAddress(address),
      engine: tls.engine,
      options: JSON.stringify(options),
      generation,
      limiter: this.#limiter(listener, () => socket),
      renew: null,
    };
    this.#sockets.set(socket.id, socket);
    generation.sockets++;
    this.#accept(socket);
    return socket;
  }

  #accept(socket: Socket): void {
    const log = () => socket.generation.monitor.log;
    const mayWarn = warnSeldom();
    acceptLoop(
      socket.listener,
      (conn, slot) => socket.generation.serve(socket.name, conn, slot),
      ({ message }) => {
        socket.generation.paused(socket.name);
        if (!mayWarn()) return;
        log().warn("accepting paused", { event: "exhausted", listener: socket.name, error: message });
      },
      socket.limiter,
    ).catch((error) =>
      log().error("accepting failed", { event: "accept-failed", listener: socket.name, error: String(error) })
    ).finally(() => socket.generation.leave());
  }

  /** Makes the limiter of a socket, which warns when the limit of connections is reached, though not each time. */
  #limiter(listener: Listener, socket: () => Socket): AcceptLimiter {
    const mayWarn = warnSeldom();
    return new AcceptLimiter(listener, () => socket().generation.limitsOf(socket().name), () => {
      if (!mayWarn()) return;
      const { generation, name } = socket();
      const what = listener.readable === undefined ? "connections are closed" : "connections wait";
      generation.monitor.log.warn(`${what}: limits.connections is reached`, {
        event: "full",
        listener: name,
      });
    });
  }

  #commit(id: number): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) throw new Error(`Cannot serve by generation ${id}: not prepared`);
    const old = this.#current;
    this.#current = generation;
    for (const socket of this.#sockets.values()) {
      socket.renew?.();
      socket.renew = null;
    }
    if (old !== null) this.#checkDrained(old);
  }

  #retire(): void {
    const old = this.#current;
    this.#current = null;
    if (old !== null) this.#checkDrained(old);
  }

  #abort(id: number): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    for (const socket of this.#sockets.values()) socket.renew = null;
    for (const socket of this.#socketsOf(generation)) this.#close(socket.id);
    generation.cut();
    this.#checkDrained(generation);
  }

  #close(id: number): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return;
    this.#sockets.delete(id);
    socket.listener.close();
    socket.limiter.close();
  }

  #cut(before: number, reason: Reason): number {
    const old = [...this.#generations.values()].filter(({ id }) => id < before);
    return old.reduce((sum, generation) => sum + generation.endConnections(reason), 0);
  }

  #endSilent(): void {
    this.#silenceChecks ??= setInterval(() => {
      for (const generation of this.#generations.values()) void generation.endSilent();
    }, SILENCE_CHECK_MS);
  }

  #socketsOf(generation: Generation | null): Socket[] {
    return [...this.#sockets.values()].filter((socket) => socket.generation === generation);
  }

  #checkDrained(generation: Generation): void {
    if (!generation.isIdle || generation === this.#current || !this.#generations.delete(generation.id)) return;
    generation.monitor.flush();
    this.#options.post({ type: "drained", generation: generation.id });
    releaseMemorySoon();
  }
}
