import type { Contender, ProxySetup } from "./contender.ts";

/** The configuration, with TLS or as a plain relay: the floor differs in nothing else. */
export function haproxyConfig({ port, backend, connections, workers }: ProxySetup, bindOptions: string): string {
  return `
global
    nbthread ${workers}
    maxconn ${connections}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend in
    bind 127.0.0.1:${port} backlog 4096 ${bindOptions}
    default_backend out
backend out
    server app unix@${backend}
`;
}

export const haproxy: Contender = {
  name: "haproxy",
  kind: "peer",
  tls: true,
  needs: [{ command: "haproxy", packages: ["haproxy"] }],
  version: ["haproxy", "-v"],
  library: ["haproxy", "-vv"],
  reloadSignal: "SIGUSR2",
  launch: (setup) => ({
    command: "haproxy",
    // Only a master process can be told to reload. Elsewhere it would only add to the memory that is measured.
    args: [...(setup.reloadable ? ["-W"] : []), "-db", "-q", "-f", `${setup.folder}/haproxy.cfg`],
    files: {
      "haproxy.cfg": haproxyConfig(setup, `ssl crt ${setup.certificate.combined} ssl-min-ver TLSv1.3`),
    },
  }),
};
