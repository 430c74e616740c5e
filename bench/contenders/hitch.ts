import type { Contender } from "./contender.ts";

export const hitch: Contender = {
  name: "hitch",
  kind: "peer",
  tls: true,
  needs: [{ command: "hitch", packages: ["hitch"] }],
  version: ["hitch", "--version"],
  reloadSignal: "SIGHUP",
  launch: ({ port, backend, certificate, folder }) => ({
    command: "hitch",
    args: ["--config", `${folder}/hitch.conf`],
    files: {
      "hitch.conf": `
frontend = "[127.0.0.1]:${port}"
backend = "${backend}"
pem-file = "${certificate.combined}"
tls-protos = TLSv1.3
workers = 1
backlog = 4096
keepalive = 3600
log-level = 0
${Deno.uid() === 0 ? 'user = "nobody"' : ""}
ocsp-dir = ""
daemon = off
`,
    },
  }),
};
