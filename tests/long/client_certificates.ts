/** Every client's certificate, every version, engine and runtime, and HAProxy: the tables are in the output. */
import { certificateCases } from "../conformance/certificate_cases.ts";
import { createBench } from "../conformance/suite.ts";
import { haproxyCertificates } from "../support/certificates/haproxy_certificates.ts";

for (const runtime of ["deno", "bun", "node"] as const) {
  if (runtime === "bun") certificateCases(createBench({ runtime, engine: "native" }), ["1.2", "1.3"]);
  certificateCases(createBench({ runtime, engine: "node" }), ["1.2", "1.3"]);
}
for (const version of ["1.2", "1.3"] as const) haproxyCertificates(version);
