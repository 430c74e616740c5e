import type { Config, RouteConfig, Spread, TargetConfig } from "../config/config.ts";
import { KEY_TYPES } from "../tls/certificates/certificate_needs.ts";
import type { CertificateInfo } from "../tls/certificates/certificates.ts";
import { formatAddress } from "../net/address.ts";
import type { ListenerPlan } from "../supervisor/plan/plan.ts";
import { judgeKeyLog, readKeyLog } from "../runtimes/key_log.ts";
import { loadPlan } from "../supervisor/plan/plan.ts";
import { describeDirectory } from "./acme.ts";

/**
 * `tls-off check`: reads and decides everything that a start would, without binding an address.
 * @param options `online` also asks whether the directory of `[acme]` answers
 * @param print receives each line of the summary
 * @param complain receives each problem
 * @returns the exit code: 1 where a start would fail
 */
export async function check(
  { file, online }: { file: string; online: boolean },
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<number> {
  const { plan, errors, warnings } = await loadPlan(file);
  for (const line of [...errors, ...warnings]) complain(line);
  // This is no error, because the program may be started in another environment, or with the flag.
  const { refusal, warning } = judgeKeyLog(readKeyLog(), false);
  if (refusal !== null || warning !== null) complain(`${refusal ?? warning}`);
  if (plan === null) return 1;
  for (const listener of plan.listeners) summary(listener, plan.config).forEach(print);
  if (online && plan.acme !== null) {
    try {
      print(`directory ${await describeDirectory(plan.acme)}`);
    } catch (error) {
      complain(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
  }
  print(`${file}: configuration is valid`);
  return 0;
}

const SPREAD_NOTES: Record<Spread, string> = {
  connection: "a TLS session resumes only where its client meets the same worker again",
  client: "each client address has one worker, where its TLS sessions resume; for many clients that come directly",
};

/** Such as `api: a.example, *.a.example; h2 → unix:/run/api.sock`. */
function describeRoute(route: RouteConfig): string {
  const { name, serverNames, alpn, passthrough } = route;
  const names = serverNames.length === 0 ? "any name" : serverNames.join(", ");
  const protocols = passthrough ? "TLS passed through" : alpn.length === 0 ? "any protocol" : alpn.join(", ");
  return `${name}: ${names}; ${protocols} → ${describeTarget(route)}`;
}

/**
 * Such as `unix:/run/1.sock, unix:/run/2.sock (weight 3); spare 10.0.0.7:80; probed every 2000 ms with GET /healthz`.
 */
function describeTarget({ backend, spare, health }: TargetConfig): string {
  const backends = backend.map(({ to, weight }) => formatAddress(to) + (weight === 1 ? "" : ` (weight ${weight})`));
  const how = health.path === "" ? "" : ` with GET ${health.path}`;
  return [
    backends.join(", "),
    ...spare.length > 0 ? [`spare ${spare.map(formatAddress).join(", ")}`] : [],
    ...health.intervalMs > 0 ? [`probed every ${health.intervalMs} ms${how}`] : [],
  ].join("; ");
}

/**
 * Says which names have certificates with several types of key, such as `a.example: ec.pem (ECDSA P-256) for clients
 * that can use it, else rsa.pem (RSA 2048)`.
 */
function describeSharedNames(infos: readonly CertificateInfo[]): string[] {
  const owners = new Map<string, CertificateInfo[]>();
  for (const info of infos) {
    for (const name of info.names) {
      const own = owners.get(name) ?? [];
      if (!own.some(({ keyType }) => keyType === info.keyType)) owners.set(name, [...own, info]);
    }
  }
  const namesOf = new Map<string, string[]>();
  for (const [name, own] of owners) {
    if (own.length < 2) continue;
    own.sort((a, b) => KEY_TYPES.indexOf(a.keyType) - KEY_TYPES.indexOf(b.keyType));
    const order = own.map(({ file, key }) => `${file} (${key})`).join(" for clients that can use it, else ");
    namesOf.set(order, [...namesOf.get(order) ?? [], name]);
  }
  return [...namesOf].map(([order, names]) => `${names.join(", ")}: ${order}`);
}

function summary({ config, tls }: ListenerPlan, { workers, acme }: Config): string[] {
  const lines = [
    `listener ${config.name}`,
    `  listen       ${config.listen.map(formatAddress).join(", ")}`,
    ...(config.backend.length > 0 ? [`  backend      ${describeTarget(config)}`] : []),
    ...config.routes.map((route) => `  route        ${describeRoute(route)}`),
    `  engine       ${tls.engine}: ${tls.reason}`,
    ...(workers === 1 ? [] : [`  spread       ${config.spread}: ${SPREAD_NOTES[config.spread]}`]),
    ...tls.notes.map((note) => `  note         ${note}`),
  ];
  for (const info of tls.certificateInfos) {
    const names = info.names.length > 0 ? info.names.join(", ") : "no server names";
    const until = new Date(info.notAfter).toISOString().slice(0, 10);
    lines.push(`  certificate  ${info.file}: ${names}, ${info.key}, valid until ${until}`);
  }
  lines.push(...describeSharedNames(tls.certificateInfos).map((line) => `  note         ${line}`));
  if (config.acme.length > 0) {
    const folder = `${acme.storage}/`;
    const stored = tls.certificateInfos.find(({ file }) => file.startsWith(folder));
    const what = stored === undefined ? "to be ordered" : "stored, and renewed";
    const profile = acme.profile === "" ? "" : `, profile ${acme.profile}`;
    lines.push(`  acme         ${config.acme.join(", ")}: ${what} from ${acme.directory}${profile}`);
  }
  return lines;
}
