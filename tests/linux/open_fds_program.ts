/** Lists its descriptors while none is left, and again after two of them were closed; writes the lists in JSON. */
import { openLibc } from "../../src/linux/libc_symbols.ts";
import { listOpenFds, pollOpenFds } from "../../src/linux/open_fds.ts";

const libc = openLibc();
const opened: number[] = [];
const path = new TextEncoder().encode("/dev/null\0");
for (let fd = libc.open(path, 0); fd >= 0; fd = libc.open(path, 0)) opened.push(fd);
const full = listOpenFds(libc);
const closed = [opened[3], opened[7]];
for (const fd of closed) libc.close(fd);
// More often than descriptors are free.
const lists = Array.from({ length: 5 }, () => listOpenFds(libc));
console.log(JSON.stringify({ full, closed, lists, polled: pollOpenFds(libc) }));
