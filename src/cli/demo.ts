import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildConfig } from "../config/load.ts";
import { Problems } from "../config/problem.ts";
import { judgeKeyLog, readKeyLog } from "../runtimes/key_log.ts";
import { planConfig, planResult } from "../supervisor/plan/plan.ts";
import type { Started } from "../supervisor/supervisor.ts";
import { makeSelfSigned } from "../tls/certificates/self_signed.ts";
import { startEchoServer } from "./echo_server.ts";
import { freePort } from "./free_port.ts";
import { serve } from "./run.ts";

/** The port that `top` asks by default. */
const ADMIN_PORT = 9180;

/**
 * `tls-off demo`: runs an echo application and the proxy in front of it, without any file.
 * @param port the port to listen on; 0 for a free one
 * @param print receives each line of the instructions
 * @returns the exit code
 */
export async function demo(
  port: number,
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<number> {
  const { refusal } = judgeKeyLog(readKeyLog(), false);
  if (refusal !== null) throw new Error(refusal);
  // The directory has mode 0700 (mkdtemp(3)), so that no other user can reach the key or the socket.
  const directory = await mkdtemp(join(tmpdir(), "tls-off-demo-"));
  const socket = join(directory, "app.sock");
  try {
    const { cert, key } = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1", "::1"] });
    await writeFile(join(directory, "cert.pem"), cert);
    await writeFile(join(directory, "key.pem"), key, { mode: 0o600 });
    const server = await startEchoServer(socket);
    try {
      const page = `127.0.0.1:${await freePort(ADMIN_PORT)}`;
      const config = buildConfig({
        admin: { listen: page },
        listener: [{
          name: "demo",
          listen: `127.0.0.1:${port}`,
          backend: `unix:${socket}`,
          cert: "cert.pem",
          key: "key.pem",
        }],
      }, directory);
      const load = async () => {
        const problems = new Problems();
        return planResult(await planConfig(config, problems), problems);
      };
      const { plan, errors, warnings } = await load();
      if (plan === null) {
        errors.forEach(complain);
        return 1;
      }
      const started: Started = ([{ address }]) => {
        const bound = address.slice(address.lastIndexOf(":") + 1);
        print("An echo application is running behind tls-off. Try:");
        print("");
        print(`  curl -k --data-binary 'hello' https://localhost:${bound}/`);
        print(`  curl --cacert ${join(directory, "cert.pem")} https://localhost:${bound}/`);
        print("");
        print(`Watch it: http://${page}/`);
        print("");
        print("Ctrl-C ends it and removes everything it made.");
      };
      // Whoever closes the terminal wants no demo that goes on unseen.
      return await serve({ plan, warnings, load, started, endsOnHangup: true });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
