import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Spawned } from "../spawned.ts";
import { get } from "../http_get.ts";
import { waitFor } from "../wait.ts";

export interface FileBackend {
  /** Of its Unix socket. */
  path: string;
  process: Spawned;
}

/** How many requests the application has answered since it began: the last of three figures of nginx's stub_status. */
export function parseRequestCount(status: string): number {
  const match = /^\s*\d+ \d+ (\d+)\s*$/m.exec(status);
  if (!match) throw new SyntaxError(`Cannot read nginx's status: ${JSON.stringify(status.slice(0, 200))}`);
  return Number(match[1]);
}

/** Asks the application for its count of requests. */
export async function requestCount(backend: FileBackend): Promise<number> {
  using connection = await Deno.connect({ transport: "unix", path: backend.path });
  return parseRequestCount(await get(connection, "/status"));
}

/** The application that peers stand in front of: nginx on a Unix socket, serving files of given sizes at `/SIZE`. */
export async function startFileBackend(lab: Lab, sizes: number[], connections: number): Promise<FileBackend> {
  const folder = await lab.makeFolder("backend");
  const path = join(folder, "app.sock");
  await Deno.mkdir(join(folder, "www"));
  for (const size of sizes) await Deno.writeTextFile(join(folder, "www", String(size)), "x".repeat(size));
  await Deno.writeTextFile(
    join(folder, "nginx.conf"),
    `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${connections + 200};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections ${connections + 100}; }
http {
    access_log off;
    sendfile on;
    tcp_nopush off;
    open_file_cache max=100;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    server {
        listen unix:${path} backlog=4096;
        location / { root ${folder}/www; }
        location = /status { stub_status; }
    }
}
`,
  );
  const args = ["-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")];
  const process = lab.spawn("nginx", args, {
    cpus: lab.cpus.backend,
    log: join(folder, "output.log"),
  });
  await waitFor(process, async () => {
    using _ = await Deno.connect({ transport: "unix", path });
    return true;
  });
  return { path, process };
}
