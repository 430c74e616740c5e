import type { CertificateFiles } from "../lab/certificates.ts";

/** The settings that every proxy gets: where to listen, what to forward to, with which certificate. */
export interface ProxySetup {
  /** On 127.0.0.1. */
  port: number;
  /** Path of the application's Unix socket. */
  backend: string;
  certificate: CertificateFiles;
  /** An empty folder for its files. */
  folder: string;
  /** How many connections it must be able to hold. */
  connections: number;
  /** The contender's own {@linkcode Contender.root}. */
  root?: string;
  /** Whether it will be told to reload. */
  reloadable?: boolean;
  /** Worker threads or processes. */
  workers: number;
  /** For ours alone, in the article's experiment: more sockets of the application. */
  moreBackends?: string[];
}

/** How to start it, in the foreground. */
export interface Launch {
  command: string;
  args: string[];
  /** Names (below the setup's folder) and contents to write before. */
  files?: Record<string, string>;
  cwd?: string;
  env?: Record<string, string>;
}

/**
 * A proxy that the bench compares: one worker unless told otherwise, TLS 1.3 on a TCP port, plain bytes to a Unix
 * socket, no log of connections, its defaults elsewhere.
 */
export interface Contender {
  name: string;
  /**
   * `peer`: ratios are against the best of them. `floor`: a cost that no TLS proxy can go below. `barest`: the barest
   * loop on one of our runtimes. `variant`: ours with more turned on.
   */
  kind: "ours" | "variant" | "peer" | "floor" | "barest";
  /** False for the floor, which speaks plain HTTP. */
  tls: boolean;
  /** Folder of the Debian installation that it runs in, by chroot; default: this one. */
  root?: string;
  /** Programs and files it needs, and the Debian packages that have them, or a hint at how to make them. */
  needs: { command: string; packages?: string[]; hint?: string }[];
  /** The file it runs, where that is made from sources that may be newer. */
  made?: { file: string; sources: string };
  /** What makes it reload without dropping anyone, where a signal does. */
  reloadSignal?: Deno.Signal;
  /** Prints its version; the first line that has a number is taken. */
  version: string[];
  /** Its TLS library: the name, or a command whose last word on OpenSSL or one of its relatives is taken. */
  library?: string | string[];
  /** False: it has one worker, always. */
  scales?: boolean;
  launch(setup: ProxySetup): Launch | Promise<Launch>;
}
