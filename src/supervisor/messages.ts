/** What the main thread and its workers say to each other: plain data, so that it may cross a thread. */
import type { Address } from "../net/address.ts";
import type { Entry, MonitorGrant } from "../log/worker_monitor.ts";
import type { LimitsGrant } from "../proxy/limits/memory.ts";
import type { ListenerPlan } from "./plan.ts";

/** How a worker serves from a reload on to the next. */
export interface GenerationPlan {
  /** Grows with each reload. */
  id: number;
  /** Where each listener listens is resolved: no port is 0. */
  listeners: ListenerPlan[];
  grant: MonitorGrant;
  /** Of each listener, by its name. */
  limits: Record<string, LimitsGrant>;
}

/** What the main thread asks of a worker, with what it is answered. */
export interface Requests {
  /** Binds what the generation needs and the worker has not; accepts there, but leaves what is served now as it is. */
  prepare: { plan: GenerationPlan; reply: PreparedSocket[] };
  /** Serves by the prepared generation from now on; sockets that it does not use go on accepting for the old one. */
  commit: { generation: number; reply: void };
  /** Forgets a prepared generation. */
  abort: { generation: number; reply: void };
  /** Has no generation that it serves by: what it still has drains. */
  retire: { reply: void };
  /** Stops listening on these sockets. */
  close: { sockets: number[]; reply: void };
  /** Ends the connections of the generations before this one; the reply is how many. */
  cut: { before: number; reply: number };
  /** Connections now; shows also that the worker is alive. */
  ping: { reply: number };
  /** Dies. Only code in this process can ask for it, and only tests do. */
  crash: { reply: void };
}

export type RequestName = keyof Requests;
export type Request<Name extends RequestName = RequestName> = {
  [Each in Name]: { type: Each } & Omit<Requests[Each], "reply">;
}[Name];
export type Reply<Name extends RequestName> = Requests[Name]["reply"];

/** A socket that a worker listens on for the generation it has prepared. */
export interface PreparedSocket {
  /** Of this worker alone. */
  id: number;
  listener: string;
  address: Address;
  /** It listened there before, for an older generation. */
  kept: boolean;
  /** It is the service manager's, too: to be closed, and never shut down. */
  inherited: boolean;
  /** Its descriptor, where the engine knows it. */
  fd?: number;
}

/** What a worker says by itself. */
export type WorkerEvent =
  | { type: "entries"; entries: Entry[] }
  /** Nothing is left of a generation that another has followed. */
  | { type: "drained"; generation: number }
  /** The worker ends by an error. */
  | { type: "fatal"; error: string };

/** What a thread is started with. */
export interface WorkerThreadData {
  role: "tls-off worker";
  index: number;
  /** Its column in the limits' memory. */
  slot: number;
  reusePort: boolean;
}

/** From the main thread to a worker's. */
export interface MainMessage {
  id: number;
  request: Request;
}

/** From a worker's thread to the main one. */
export type WorkerMessage =
  | { type: "reply"; id: number; reply: unknown }
  | { type: "error"; id: number; error: string }
  | { type: "event"; event: WorkerEvent };
