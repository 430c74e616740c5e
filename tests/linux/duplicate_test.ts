import assert from "node:assert/strict";
import { Libc } from "../../src/linux/libc.ts";

const O_CLOEXEC = 0o2000000;

Deno.test("a duplicate of a socket is not inherited by programs that this process starts", () => {
  const libc = new Libc();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const fd = libc.newListenerFd(listener.addr, new Set());
  const copy = libc.duplicate(fd!);
  try {
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${copy}`);
    const flags = parseInt(/^flags:\s+([0-7]+)$/m.exec(info)![1], 8);
    assert.equal(flags & O_CLOEXEC, O_CLOEXEC, info);
    assert.equal(Deno.readLinkSync(`/proc/self/fd/${copy}`), Deno.readLinkSync(`/proc/self/fd/${fd}`));
  } finally {
    libc.endListening(copy);
  }
});
