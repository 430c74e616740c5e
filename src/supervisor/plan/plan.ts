import type { AcmeSettings } from "../../acme/settings.ts";
import { formatProblem, Problems } from "../../config/problem.ts";
import type { Config, ListenerConfig } from "../../config/config.ts";
import type { ConfigFlags } from "../../config/flags.ts";
import { loadConfig } from "../../config/load.ts";
import { judgeRuntime } from "../../runtimes/floors.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { sharesPorts } from "../../engines/shared/shares_ports.ts";
import { loadSocketCalls } from "../../linux/socket_calls.ts";
import { loadListenerTls, type TlsPlan } from "../../tls/listener_tls.ts";
import { assignSockets, inheritedSockets } from "../../systemd/activation.ts";
import { fingerprint } from "../../files/file_watch.ts";
import { acmeTls } from "./acme_tls.ts";
import { logFileObstacle } from "./path_obstacles.ts";
import { watchedFiles } from "./watched_files.ts";
import { checkBackends, checkCertificates, placeIn } from "./listener_problems.ts";

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
  const { config } = loaded;
  const problems = new Problems(placeIn(file, flags, loaded));
  problems.add(loaded.problems);
  if (config === null) {
    await checkCertificates(loaded, problems);
    return planResult(null, problems);
  }
  const obstacle = await logFileObstacle(config.log.file);
  if (obstacle !== null) problems.at("log", "file").about("log.file").error(obstacle);
  return planResult(await planConfig(config, problems), problems);
}

/**
 * Formats the problems of a plan, one line each.
 * @param plan what {@linkcode planConfig} has returned
 */
export function planResult(plan: Plan | null, { found }: Problems): PlanResult {
  const lines = (wanted: string) => found.filter(({ severity }) => severity === wanted).map(formatProblem);
  return { plan, errors: lines("error"), warnings: lines("warning") };
}

/**
 * Does the same as {@linkcode loadPlan} with a configuration that is loaded already. Returns no plan where there are
 * errors.
 * @param problems receives everything found, errors and warnings
 */
export async function planConfig(config: Config, problems: Problems): Promise<Plan | null> {
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
    problems.warning(`no listener has the address of inherited socket ${fd} ("${name}")`);
  }
  if (config.workers !== "auto" && config.workers > 1 && !sharesPorts()) {
    problems.error(`workers = ${config.workers}: Node can share a port among them since 22.12 only, use 1`);
  }
  const files = config.reload === "watch" ? watchedFiles(config) : [];
  const watch = { files, seen: await fingerprint(files) };
  const acme = await loadAcme(config, problems);
  const steers = acme !== null && ((await loadSocketCalls())?.steers ?? false);
  for (const [index, listener] of config.listeners.entries()) {
    const inherited = fds.get(listener.name)!;
    const inheritedSocket = inherited.some((fd) => fd !== null);
    const ordered = await acmeTls(listener, config.acme, { challenges: [], steers });
    const own = problems.at("listener", index);
    const tls = await loadListenerTls(listener, runtimeName(), own, { inheritedSocket }, ordered);
    if (listener.spread === "client") {
      const obstacle = await spreadObstacle(inheritedSocket);
      if (obstacle !== null) own.error(`spread = "client": ${obstacle}`);
    }
    await checkBackends(listener, own.about(`listener "${listener.name}"`));
    if (tls !== null) listeners.push({ config: listener, tls, fds: inherited, health: [] });
  }
  // While a name is validated by ACME node serves, whichever engine does otherwise.
  const engines = [...listeners.map(({ tls }) => tls.engine), ...(acme === null ? [] : ["node" as const])];
  const { refusal, warning } = judgeRuntime(engines);
  if (refusal !== null) problems.error(refusal);
  if (warning !== null) problems.warning(warning);
  const redirectFd = redirect === null ? null : fds.get(redirectName)![0];
  return problems.hasErrors ? null : { config, listeners, acme, redirectFd, watch };
}

/** Loads how certificates are ordered; `null` where none are, or something is wrong. */
async function loadAcme(config: Config, problems: Problems): Promise<AcmeSettings | null> {
  if (config.listeners.every(({ acme }) => acme.length === 0)) return null;
  const { loadAcmeSettings } = await import("../../acme/settings.ts");
  const { storageProblem } = await import("../../acme/storage_folder.ts");
  const settings = await loadAcmeSettings(config.acme, problems.at("acme").about("acme"));
  const problem = await storageProblem(config.acme.storage);
  if (problem !== null) problems.at("acme", "storage").about("acme.storage").error(problem);
  return settings;
}

/** Why connections cannot be steered to workers by their client's address; `null` where they can. */
async function spreadObstacle(inheritedSocket: boolean): Promise<string | null> {
  if (inheritedSocket) return "cannot go with socket activation: all workers share the one socket that was handed over";
  const calls = await loadSocketCalls();
  if (calls === null) return "needs Deno or Bun: nothing steers connections on Node";
  return calls.steers ? null : "this kernel does not let a program steer connections (SO_ATTACH_REUSEPORT_CBPF)";
}
