import type { Contender } from "./contender.ts";
import { haproxyConfig } from "./haproxy.ts";

/** The cheapest relay there is, without TLS: bytes from a TCP port to a Unix socket. */
export const floor: Contender = {
  name: "floor",
  kind: "floor",
  tls: false,
  needs: [{ command: "haproxy", packages: ["haproxy"] }],
  version: ["haproxy", "-v"],
  library: "none",
  launch: (setup) => ({
    command: "haproxy",
    args: ["-db", "-q", "-f", `${setup.folder}/haproxy.cfg`],
    files: { "haproxy.cfg": haproxyConfig(setup, "") },
  }),
};
