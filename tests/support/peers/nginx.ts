import { until } from "../wait.ts";

/** A real nginx in the foreground with a test's configuration. All of its files are below `directory`. */
export class Nginx implements AsyncDisposable {
  private constructor(readonly child: Deno.ChildProcess) {}

  /**
   * @param http the body of the `http` block
   * @param socket the Unix socket whose appearance shows that it serves
   */
  static async start(directory: string, http: string, socket: string): Promise<Nginx> {
    const file = `${directory}/nginx.conf`;
    Deno.writeTextFileSync(
      file,
      `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/nginx-error.log;
       events { worker_connections 4096; }
       http {
         access_log off; keepalive_requests 1000000000; default_type application/octet-stream;
         client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
         fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
         ${http}
       }`,
    );
    // Where the test runs as root, nginx's workers run as another user, who must be able to read the files.
    for (const entry of [directory, file]) Deno.chmodSync(entry, 0o755);
    const child = new Deno.Command("nginx", {
      args: ["-p", directory, "-c", file],
      env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin` },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => exists(socket), "nginx is up");
    return new Nginx(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.child.status;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true;
  } catch {
    return false;
  }
}
