import type { Contender } from "./contender.ts";

/** One thread for each connection: all of them on the one CPU. */
export const stunnel: Contender = {
  name: "stunnel",
  kind: "peer",
  tls: true,
  needs: [{ command: "stunnel", packages: ["stunnel4"] }],
  version: ["stunnel", "-version"],
  library: ["stunnel", "-version"],
  scales: false,
  reloadSignal: "SIGHUP",
  launch: ({ port, backend, certificate, folder }) => ({
    command: "stunnel",
    args: [`${folder}/stunnel.conf`],
    files: {
      "stunnel.conf": `
foreground = yes
pid =
debug = 3
socket = l:TCP_NODELAY=1
[bench]
accept = 127.0.0.1:${port}
connect = ${backend}
cert = ${certificate.cert}
key = ${certificate.key}
sslVersionMin = TLSv1.3
TIMEOUTidle = 3600
`,
    },
  }),
};
