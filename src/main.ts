/** The program, in its main thread and in those of its workers. */
import process from "node:process";
import { isWorkerThread } from "./supervisor/workers/is_worker_thread.ts";

if (isWorkerThread()) {
  // Serves as soon as it is loaded. In a bundle this file is what a thread begins with; it needs nothing of the
  // commands.
  await import("./supervisor/workers/worker_thread.ts");
} else if (import.meta.main !== false) { // Node before 24 leaves it undefined
  const { main } = await import("./cli/main.ts");
  process.exit(await main(process.argv.slice(2)));
}
