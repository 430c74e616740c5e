import type { ClientsReport, ClientsTask } from "./clients_program.ts";

/** Runs clients of every kind in a process of their own. */
export async function runClients(task: ClientsTask): Promise<ClientsReport> {
  const program = new URL("clients_program.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-net", program, JSON.stringify(task)],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`The clients failed: ${text(stderr)}`);
  return JSON.parse(text(stdout));
}
