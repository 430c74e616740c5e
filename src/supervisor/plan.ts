import { type AcmeSettings, loadAcmeSettings } from "../acme/settings.ts";
import { storageProblem } from "../acme/storage.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config, ListenerConfig } from "../config/config.ts";
import type { ConfigFlags } from "../config/flags.ts";
import { loadConfig } from "../config/load.ts";
import { judgeRuntime } from "../runtimes/floors.ts";
import { runtimeName } from "../runtimes/name.ts";
import { sharesPorts } from "../engines/shared/shares_ports.ts";
import { loadSocketCalls } from "../linux/socket_calls.ts";
import { loadListenerTls, type TlsPlan } from "../tls/options.ts";
import { type Problem, problemError } from "../tls/problem.ts";
import { assignSockets, inheritedSockets } from "../systemd/activation.ts";
import { fingerprint } from "../files/file_watch.ts";
import { orderedTls } from "./ordered_tls.ts";
import { logFileObstacle } from "./check_log_file.ts";
import { watchedFiles } from "./watched_files.ts";
import { checkCertificates, positionText, type WriteProblem } from "./listener_problems.ts";

/** A listener with everything loaded and decided, as plain data: a worker needs no file. It has private keys. */
export interface ListenerPlan {
  config: ListenerConfig;
  tls: TlsPlan;
  /** The inherited listening socket of each address, or `null`. */
  fds: (number | null)[];
  /** Memory of the backends' health, of the listener's own and then of each route's; none before it serves. */
  health: SharedArrayBuffer[][];
}

/** Everything that a generation serves by. */
export interface Plan {
  config: Config;
  listeners: ListenerPlan[];
  /** How certificates are ordered; `null` where none are. */
  acme: AcmeSettings | null;
  /** The inherited listening socket of `[redirect]`, or `null`. */
  redirectFd: number | null;
  /** The files to watch, and their fingerprint from before they were read. */
  watch: { files: string[]; seen: string };
}

export interface PlanResult {
  /** `null` where there are errors. */
  plan: Plan | null;
  /** Every error and warning found, one line each. */
  errors: string[];
  warnings: string[];
}

/**
 * Reads everything that a generation needs, the configuration and each certificate, and decides every listener's
 * engine. `run`, `check` and reloads do so.
 * @param file path of the configuration; `null` for flags alone
 */
export async function loadPlan(file: string | null, flags: ConfigFlags = {}): Promise<PlanResult> {
  const loaded = await loadConfig(file, flags);
  const { config, problems } = loaded;
  const result: PlanResult = { plan: null, errors: [], warnings: [] };
  for (const problem of problems) {
    result[problem.severity === "error" ? "errors" : "warnings"].push(formatProblem(problem));
  }
  const write: WriteProblem = (problem, listener) => {
    // A value that a flag gives has no position in the file.
    const place = file === null || flags.cert || flags.key || flags.engine
      ? ""
      : positionText(problem, listener, loaded);
    const where = file === null ? "" : `${file}:${place} `;
    result[problem.severity === "error" ? "errors" : "warnings"].push(`${where}${problem.message}`);
  };
  if (config === null) {
    await checkCertificates(loaded.listeners, write);
    return result;
  }
  const obstacle = await logFileObstacle(config.log.file);
  if (obstacle !== null) {
    const { line, column } = loaded.positions?.find(["log", "file"]) ?? { line: 0, column: 0 };
    const problem = { severity: "error", file, line, column, key: "log.file", message: obstacle } as const;
    result.errors.push(formatProblem(problem));
  }
  result.plan = await planConfig(config, file, result, write);
  return result;
}

/**
 * Does the same as {@linkcode loadPlan} with a configuration that is loaded already. Adds problems to `result`, and
 * returns no plan where there are errors.
 * @param write records what is wrong with a listener
 */
export async function planConfig(
  config: Config,
  file: string | null,
  result: PlanResult,
  write: WriteProblem = ({ severity, message }) => result[severity === "error" ? "errors" : "warnings"].push(message),
): Promise<Plan | null> {
  const place = file === null ? "" : `${file}: `;
  const listeners: ListenerPlan[] = [];
  const sockets = inheritedSockets();
  const calls = sockets.length > 0 ? await loadSocketCalls() : null;
  const { redirect: { listen: redirect } } = config;
  // The name of the socket in a socket unit (`FileDescriptorName=`), unless a listener has that name.
  const redirectName = config.listeners.some(({ name }) => name === "redirect") ? "\0" : "redirect";
  const all = [...config.listeners, ...(redirect === null ? [] : [{ name: redirectName, listen: [redirect] }])];
  const { fds, unused } = assignSockets(
    { listeners: all },
    sockets,
    calls && ((fd, address) => calls.listensOn(fd, address)),
  );
  for (const { fd, name } of unused) {
    result.warnings.push(`${place}no listener has the address of inherited socket ${fd} ("${name}")`);
  }
  if (config.workers !== "auto" && config.workers > 1 && !sharesPorts()) {
    result.errors.push(`${place}workers = ${config.workers}: Node can share a port among them since 22.12 only, use 1`);
  }
  const files = config.reload === "watch" ? watchedFiles(config) : [];
  const watch = { files, seen: await fingerprint(files) };
  const acme = await loadAcme(config, place, result);
  const steers = acme !== null && ((await loadSocketCalls())?.steers ?? false);
  for (const [index, listener] of config.listeners.entries()) {
    const own = fds.get(listener.name)!;
    const inheritedSocket = own.some((fd) => fd !== null);
    const ordered = await orderedTls(listener, config.acme, { challenges: [], steers });
    const { plan, problems } = await loadListenerTls(listener, runtimeName(), { inheritedSocket }, ordered);
    for (const problem of problems) write(problem, index);
    if (listener.spread === "client") {
      const obstacle = await spreadObstacle(inheritedSocket);
      if (obstacle !== null) write(problemError("", `spread = "client": ${obstacle}`), index);
    }
    if (plan !== undefined) listeners.push({ config: listener, tls: plan, fds: own, health: [] });
  }
  // The validation of names needs node for a while, whichever engine serves else.
  const engines = [...listeners.map(({ tls }) => tls.engine), ...(acme === null ? [] : ["node" as const])];
  const { refusal, warning } = judgeRuntime(engines);
  if (refusal !== null) result.errors.push(`${place}${refusal}`);
  if (warning !== null) result.warnings.push(`${place}${warning}`);
  const redirectFd = redirect === null ? null : fds.get(redirectName)![0];
  return result.errors.length > 0 ? null : { config, listeners, acme, redirectFd, watch };
}

/** Loads how certificates are ordered. Problems are added to `result`. */
async function loadAcme(config: Config, place: string, result: PlanResult): Promise<AcmeSettings | null> {
  if (config.listeners.every(({ acme }) => acme.length === 0)) return null;
  const problems: Problem[] = [];
  const settings = await loadAcmeSettings(config.acme, problems);
  for (const { severity, message } of problems) {
    result[severity === "error" ? "errors" : "warnings"].push(`${place}acme: ${message}`);
  }
  const problem = await storageProblem(config.acme.storage);
  if (problem !== null) result.errors.push(`${place}acme.storage: ${problem}`);
  return settings;
}

/** Why connections cannot be steered to workers by their client's address; `null` where they can. */
async function spreadObstacle(inheritedSocket: boolean): Promise<string | null> {
  if (inheritedSocket) return "cannot go with socket activation: all workers share the one socket that was handed over";
  const calls = await loadSocketCalls();
  if (calls === null) return "needs Deno or Bun: nothing steers connections on Node";
  return calls.steers ? null : "this kernel does not let a program steer connections (SO_ATTACH_REUSEPORT_CBPF)";
}
