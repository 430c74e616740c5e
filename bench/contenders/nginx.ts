import { existsSync } from "node:fs";
import type { Contender } from "./contender.ts";

/** Debian ships stream as a module to load; elsewhere it is often built in. */
const MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

export const nginx: Contender = {
  name: "nginx",
  kind: "peer",
  tls: true,
  needs: [{ command: "nginx", packages: ["nginx", "libnginx-mod-stream"] }],
  version: ["nginx", "-v"],
  library: ["nginx", "-V"],
  reloadSignal: "SIGHUP",
  launch: ({ port, backend, certificate, folder, connections, workers, root = "" }) => ({
    command: "nginx",
    args: ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`],
    files: {
      "nginx.conf": `
${existsSync(root + MODULE) ? `load_module ${MODULE};` : ""}
daemon off;
worker_processes ${workers};
worker_rlimit_nofile ${connections * 2 + 100};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections ${connections * 2 + 50}; }
stream {
    access_log off;
    server {
        listen 127.0.0.1:${port} ssl backlog=4096${workers > 1 ? " reuseport" : ""};
        ssl_certificate ${certificate.cert};
        ssl_certificate_key ${certificate.key};
        ssl_protocols TLSv1.3;
        ssl_session_cache shared:tls:10m;
        tcp_nodelay on;
        proxy_timeout 1h;
        proxy_pass unix:${backend};
    }
}
`,
    },
  }),
};
