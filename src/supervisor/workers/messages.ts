/** The messages between the main thread and its workers. They are plain data, so that they can be posted. */
import type { Address } from "../../net/address.ts";
import type { Entry, MonitorMemory } from "../../log/worker_monitor.ts";
import type { LimitsBuffers } from "../../proxy/limits/memory.ts";
import type { ListenerPlan } from "../plan/plan.ts";
import type { Reason } from "../../metrics/reasons.ts";

/** What a worker serves by between two reloads. */
export interface GenerationPlan {
  /** The generation's number, which grows with each reload. */
  id: number;
  /** The listeners with resolved addresses: no port is 0. */
  listeners: ListenerPlan[];
  monitorMemory: MonitorMemory;
  /** The limits of each listener, by its name. */
  limits: Record<string, LimitsBuffers>;
}

/** The requests to a worker, with their replies. */
interface Requests {
  /** Binds the sockets that the generation needs and the worker lacks, and accepts on them. Changes nothing else. */
  prepare: { plan: GenerationPlan; reply: PreparedSocket[] };
  /** Serves by the prepared generation from now on. Sockets that it does not use go on accepting for the old one. */
  commit: { generation: number; reply: void };
  /** Forgets a prepared generation. */
  abort: { generation: number; reply: void };
  /** Serves by no generation any more, and lets what it has drain. */
  retire: { reply: void };
  /** Stops listening on these sockets. */
  close: { sockets: number[]; reply: void };
  /** Ends the connections of the generations before this one; the reply is how many. */
  cut: { before: number; reason: Reason; reply: number };
  /** Ends connections on which the client has sent nothing, now and again until the worker ends; for a drain. */
  "end-silent": { reply: void };
  /** Makes the keys of session tickets from this secret from now on. */
  tickets: { secret: Uint8Array; reply: void };
  /** The reply is the number of connections, and shows that the worker is alive. */
  ping: { reply: number };
  /** Dies by an error. Only code of this process can request it, and only tests do. */
  crash: { reply: void };
}

export type RequestName = keyof Requests;
export type Request<Name extends RequestName = RequestName> = {
  [Each in Name]: { type: Each } & Omit<Requests[Each], "reply">;
}[Name];
export type Reply<Name extends RequestName> = Requests[Name]["reply"];

/** A socket that a worker listens on for a prepared generation. */
export interface PreparedSocket {
  /** The socket's number, which is unique in its worker. */
  id: number;
  listener: string;
  address: Address;
  /** Whether the socket listened before, for an older generation. */
  kept: boolean;
  /** Whether the socket belongs to the service manager, too. Then it must be closed and never shut down. */
  inherited: boolean;
  /** The socket's descriptor, where the engine knows it. */
  fd?: number;
}

/** What a worker reports without being asked. */
export type WorkerEvent =
  | { type: "entries"; entries: Entry[] }
  /** Nothing is left of a generation that is not served any more. */
  | { type: "drained"; generation: number }
  /** The worker is ending by an error. */
  | { type: "fatal"; error: string };

/** The data that a thread is started with. */
export interface WorkerThreadData {
  role: "tls-off worker";
}

/** The first message to a thread: which worker it is. */
export interface WorkerIdentity {
  index: number;
  /** Its column in the limits' memory. */
  slot: number;
  reusePort: boolean;
  /** What the keys of session tickets are made from, until another one comes. */
  ticketSecret: Uint8Array;
}

/** A message from the main thread to a worker's. */
export interface MainMessage {
  id: number;
  request: Request;
}

/** A message from a worker's thread to the main thread. */
export type WorkerMessage =
  /** The first message: what is posted to the thread from now on arrives. */
  | { type: "listening" }
  | { type: "reply"; id: number; reply: unknown }
  | { type: "error"; id: number; error: string }
  | { type: "event"; event: WorkerEvent };
