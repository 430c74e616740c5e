import type { Contender } from "./contender.ts";

export const hitch: Contender = {
  name: "hitch",
  kind: "peer",
  tls: true,
  needs: [{ command: "hitch", packages: ["hitch"] }],
  version: ["hitch", "--version"],
  // hitch does not print its TLS library. Debian links it with the library of this command.
  library: ["openssl", "version"],
  reloadSignal: "SIGHUP",
  launch: ({ port, backend, certificate, folder, workers }) => ({
    command: "hitch",
    args: ["--config", `${folder}/hitch.conf`],
    files: {
      "hitch.conf": `
frontend = "[127.0.0.1]:${port}"
backend = "${backend}"
pem-file = "${certificate.combined}"
tls-protos = TLSv1.3
workers = ${workers}
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
