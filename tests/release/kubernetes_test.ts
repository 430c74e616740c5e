import assert from "node:assert/strict";
import { Certificate } from "@kubernetes-models/cert-manager";
import { TLSRoute } from "@kubernetes-models/gateway-api";
import { PodMonitor } from "@kubernetes-models/prometheus-operator";
import { Deployment } from "kubernetes-models/apps/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";
import { runCommand } from "../../scripts/build/run_command.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import npm from "../../src/imports.json" with { type: "json" };

/** What the examples of Kubernetes are validated by: the schemas of its API, and of the resources of others. */
const KINDS: Record<string, [module: keyof typeof npm.imports, model: new (data: never) => { validate(): void }]> = {
  "v1 ConfigMap": ["kubernetes-models/v1", ConfigMap],
  "v1 Service": ["kubernetes-models/v1", Service],
  "apps/v1 Deployment": ["kubernetes-models/apps/v1", Deployment],
  "policy/v1 PodDisruptionBudget": ["kubernetes-models/policy/v1", PodDisruptionBudget],
  "cert-manager.io/v1 Certificate": ["@kubernetes-models/cert-manager", Certificate],
  "gateway.networking.k8s.io/v1alpha2 TLSRoute": ["@kubernetes-models/gateway-api", TLSRoute],
  "monitoring.coreos.com/v1 PodMonitor": ["@kubernetes-models/prometheus-operator", PodMonitor],
};

type Manifest = { apiVersion: string; kind: string };

/** The objects of a file, by its lines. */
function manifestsOf(name: string): Manifest[] {
  const source = Deno.readTextFileSync(`${ROOT}scripts/deploy/kubernetes/${name}`);
  return parseAllDocuments(source, { strict: true, uniqueKeys: true }).map((document) => document.toJS());
}

/** The schema lets unknown keys pass. They are found by types: an object literal has no others than those declared. */
async function unknownKeys(manifests: Manifest[]): Promise<string> {
  const lines = manifests.map(({ apiVersion, kind, ...rest }, index) => {
    const [module] = KINDS[`${apiVersion} ${kind}`];
    const literal = JSON.stringify({ apiVersion, kind, ...rest }, null, 2);
    return `import type { I${kind} as Type${index} } from "${npm.imports[module]}";\n` +
      `export const manifest${index}: Type${index} = ${literal};\n`;
  });
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/manifests.ts`, lines.join(""));
    const { code, output } = await runCommand([Deno.execPath(), "check", "--no-config", `${directory}/manifests.ts`]);
    return code === 0 ? "" : output;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function validate(manifest: Manifest): void {
  const [, Model] = KINDS[`${manifest.apiVersion} ${manifest.kind}`];
  new Model(manifest as never).validate();
}

for (const name of ["tls-off.yaml", "front.yaml"]) {
  Deno.test(`kubernetes/${name} has what the schemas of its resources allow, and no key beside`, async () => {
    const manifests = manifestsOf(name);
    for (const manifest of manifests) validate(manifest);
    assert.equal(await unknownKeys(manifests), "");
  });
}

Deno.test("the schemas find a wrong value, and the types a key that is not there", async () => {
  const deployment = () => manifestsOf("tls-off.yaml").find(({ kind }) => kind === "Deployment")!;
  // deno-lint-ignore no-explicit-any -- spoilt on purpose
  const sidecar = (manifest: any) => manifest.spec.template.spec.initContainers[0];
  const wrong = deployment();
  sidecar(wrong).ports[0].containerPort = "https";
  assert.throws(() => validate(wrong), /containerPort must be integer/);
  const unknown = deployment();
  sidecar(unknown).restartPolicies = "Always";
  assert.match(await unknownKeys([unknown]), /"restartPolicies"' does not exist in type 'IContainer'/);
});
