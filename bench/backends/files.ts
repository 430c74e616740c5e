import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab/lab.ts";
import type { Spawned } from "../lab/spawned.ts";
import { get } from "../lab/http.ts";
import { findProgram } from "../lab/tools.ts";
import { waitFor } from "../lab/wait.ts";

const STAND_IN = fileURLToPath(new URL("./files_program.ts", import.meta.url));

/** nginx listens at the path with this behind it, too, for connections with a PROXY header in front. */
export const PROXY_SUFFIX = "-proxy";

export interface FileBackend {
  /** Of its Unix socket. */
  path: string;
  process: Spawned;
}

/** What nginx's stub_status tells. */
export interface BackendStatus {
  /** How many requests were answered since it began. */
  requests: number;
  /** Open connections, the asking one included. */
  connections: number;
}

/** Reads the text of nginx's stub_status: the last of three figures in a line, and those that are active. */
export function parseStatus(status: string): BackendStatus {
  const requests = /^\s*\d+ \d+ (\d+)\s*$/m.exec(status);
  const active = /^Active connections: (\d+)/m.exec(status);
  if (!requests || !active) {
    throw new SyntaxError(`Cannot read nginx's status: ${JSON.stringify(status.slice(0, 200))}`);
  }
  return { requests: Number(requests[1]), connections: Number(active[1]) };
}

/** Asks the application. */
export async function backendStatus(backend: FileBackend): Promise<BackendStatus> {
  using connection = await Deno.connect({ transport: "unix", path: backend.path });
  return parseStatus(await get(connection, "/status"));
}

/** Writes nginx's configuration and the files it serves, and tells how to start it. */
async function prepareNginx(folder: string, path: string, sizes: number[], connections: number): Promise<string[]> {
  await Deno.mkdir(join(folder, "www"));
  for (const size of sizes) await Deno.writeTextFile(join(folder, "www", String(size)), "x".repeat(size));
  await Deno.writeTextFile(
    join(folder, "nginx.conf"),
    `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${2 * connections + 200};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
# It closes idle connections when less than a sixteenth is free.
events { worker_connections ${2 * connections + 100}; }
http {
    access_log off;
    sendfile on;
    tcp_nopush off;
    open_file_cache max=100;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    server {
        listen unix:${path} backlog=4096;
        listen unix:${path}${PROXY_SUFFIX} proxy_protocol backlog=4096;
        location / { root ${folder}/www; }
        location = /status { stub_status; }
        location = /sink {
            client_max_body_size 0;
            return 200 "xxxxxxxxxx";
        }
    }
}
`,
  );
  return ["nginx", "-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")];
}

/**
 * The application that peers stand in front of, on a Unix socket: answers `/SIZE` with that many bytes, and `/sink`
 * with ten to whatever is sent. nginx where it is installed, else a slower one of ours.
 */
export async function startFileBackend(lab: Lab, sizes: number[], connections: number): Promise<FileBackend> {
  const folder = await lab.makeFolder("backend");
  const path = join(folder, "app.sock");
  const [command, ...args] = findProgram("nginx")
    ? await prepareNginx(folder, path, sizes, connections)
    : [Deno.execPath(), "run", "--no-prompt", "--allow-net", "--allow-read", "--allow-write", STAND_IN, path];
  const process = lab.spawn(command, args, { cpus: lab.cpus.backend, log: join(folder, "output.log") });
  await waitFor(process, async () => {
    using _ = await Deno.connect({ transport: "unix", path });
    return true;
  });
  // Peers serve as another user.
  await Deno.chmod(path, 0o666);
  return { path, process };
}
