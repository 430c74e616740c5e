import { Problems } from "../../config/problem.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { loadListenerTls } from "../../tls/listener_tls.ts";
import { type AcmeCircumstances, acmeTls } from "./acme_tls.ts";
import type { ListenerPlan, Plan } from "./plan.ts";

/**
 * Returns the plan with the certificates that are in the storage now, and with these challenges.
 * @returns `plan` itself where that changes nothing
 * @throws {Error} where a listener cannot be served with them
 */
export async function replanAcme(plan: Plan, circumstances: AcmeCircumstances): Promise<Plan> {
  const listeners: ListenerPlan[] = [];
  for (const listener of plan.listeners) {
    if (listener.config.acme.length === 0) {
      listeners.push(listener);
      continue;
    }
    const ordered = await acmeTls(listener.config, plan.config.acme, circumstances);
    const inheritedSocket = listener.fds.some((fd) => fd !== null);
    const problems = new Problems();
    const tls = await loadListenerTls(listener.config, runtimeName(), problems, { inheritedSocket }, ordered);
    if (tls === null) throw new Error(problems.found.find(({ severity }) => severity === "error")!.message);
    listeners.push({ ...listener, tls });
  }
  return JSON.stringify(listeners) === JSON.stringify(plan.listeners) ? plan : { ...plan, listeners };
}

/** Says which listener has no certificate yet; `null` where each has one. */
export function uncertifiedListener({ listeners }: Plan): string | null {
  const found = listeners.find(({ config, tls }) => config.acme.length > 0 && tls.certificates.length === 0);
  return found === undefined ? null : `listener "${found.config.name}" waits for its first certificate`;
}
