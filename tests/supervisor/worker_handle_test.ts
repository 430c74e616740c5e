import assert from "node:assert/strict";
import { Worker as Thread } from "node:worker_threads";
import { ThreadChannel } from "../../src/supervisor/workers/thread_channel.ts";
import { ThreadWorker } from "../../src/supervisor/workers/worker_handle.ts";
import { sourceCommand } from "../support/proxies/program.ts";

Deno.test("a worker gets what was posted to its thread before that had loaded its modules", async () => {
  const [file, ...args] = sourceCommand("tests/support/late_worker.ts");
  const { stdout, stderr } = await new Deno.Command(file, { args }).output();
  const said = [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assert.equal(said, "connections: 0\n");
});

Deno.test("a worker that does not answer is an error for whoever asks", async () => {
  // It never says that it listens.
  const thread = new Thread(new URL("data:text/javascript,setInterval(() => {}, 1000)"));
  const silent = new ThreadWorker(
    {
      index: 3,
      slot: 0,
      reusePort: true,
      ticketSecret: new Uint8Array(32),
      onEvent: () => {},
      onDeath: (error) => assert.fail(error),
    },
    new ThreadChannel(thread),
    60,
  );
  await assert.rejects(silent.ask({ type: "ping" }), { message: "Worker 3 has not answered for 0.06 s (ping)" });
  await silent.terminate();
});
