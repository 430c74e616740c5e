import assert from "node:assert/strict";

const LIMIT = 100;

Deno.test("open descriptors are listed also when none is left, and listing leaves none open", async () => {
  const program = new URL("open_fds_program.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${LIMIT} && exec "$@"`, "sh", Deno.execPath(), "run", "--quiet", "--allow-ffi", program],
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const { full, closed, lists, polled } = JSON.parse(new TextDecoder().decode(stdout));
  const all = Array.from({ length: LIMIT }, (_, fd) => fd);
  // One that was inherited may be above the limit.
  const within = (list: number[]) => list.filter((fd) => fd < LIMIT).toSorted((a, b) => a - b);
  assert.deepEqual(within(full), all);
  const open = all.filter((fd) => !closed.includes(fd));
  for (const list of [...lists, polled]) assert.deepEqual(within(list), open);
});
