import { type LoadResult, parseConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";

/** The example of the documentation, with every key. */
export const FULL = `workers = "auto"
[[listener]]
name = "web"
listen = ["0.0.0.0:443", "[::]:443"]
backend = ["unix:/run/app.sock"]
balance = "least-conn"
cert = "cert.pem"
key = "key.pem"
certificates = []
sni-strict = false
alpn = []
min-version = "1.2"
max-version = "1.3"
engine = "auto"
proxy-protocol = "off"
accept-proxy = []
[listener.client-auth]
mode = "none"
ca = "clients-ca.pem"
allow-cn = []
allow-dns = []
allow-uri = []
[listener.timeouts]
handshake = "10s"
connect = "5s"
idle = "1h"
half-close = "60s"
lifetime = 0
[listener.limits]
connections = 0
per-client = 0
handshakes-per-second = 0
backlog = 4096
[log]
level = "info"
format = "auto"
access = true
metrics-interval = 0
file = ""
[admin]
listen = ""
[shutdown]
grace = "30s"
`;

/** The least that runs; six lines with what is added. */
export const SHORT = `[[listener]]
listen = ":8443"
backend = "unix:app.sock"
cert = "cert.pem"
key = "/keys/key.pem"
`;

/** The problems as they are printed. */
export function lines({ problems }: Pick<LoadResult, "problems">): string[] {
  return problems.map(formatProblem);
}

/** Parses as `proxy.toml` in /etc/app. */
export function parse(source: string, flags = {}): LoadResult {
  return parseConfig(source, "proxy.toml", flags, "/etc/app");
}

/** The problems of a file as they are printed. */
export function problemsOf(source: string): string[] {
  return lines(parse(source));
}
