/**
 * Runs the program as `run` does, except that SIGUSR2 makes the worker with the highest number die by an error. The
 * program itself has no way to do that.
 */
import process from "node:process";
import { createLogger } from "../../../src/log/log.ts";
import { Monitor } from "../../../src/supervisor/monitor.ts";
import { loadPlan } from "../../../src/supervisor/plan/plan.ts";
import { isWorkerThread } from "../../../src/supervisor/workers/is_worker_thread.ts";
import { Supervisor } from "../../../src/supervisor/supervisor.ts";

async function run(): Promise<number> {
  const load = () => loadPlan(process.argv[2]);
  const { plan, errors } = await load();
  if (plan === null) throw new Error(errors.join("\n"));
  const log = createLogger(plan.config.log);
  const monitor = new Monitor({ log, version: "test", runtime: "test" });
  const supervisor = new Supervisor({ plan, load, log, monitor });
  const highest = plan.config.workers === "auto" ? 0 : plan.config.workers - 1;
  process.on("SIGUSR2", () => void supervisor.crashWorker(highest));
  const code = await supervisor.run();
  await log.close();
  return code;
}

// These are the program's own first lines, because in a bundle its threads begin here, too.
if (isWorkerThread()) await import("../../../src/supervisor/workers/worker_thread.ts");
else process.exit(await run());
