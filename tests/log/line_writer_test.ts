import assert from "node:assert/strict";
import { LineWriter } from "../../src/log/line_writer.ts";
import type { Output } from "../../src/files/output.ts";
import { until } from "../support/wait.ts";

/** A disk with room for so many bytes. */
class SmallDisk implements Output {
  text = "";
  constructor(public room: number) {}

  write(bytes: Uint8Array): Promise<number> {
    if (this.room === 0) return Promise.reject(new Error("No space left on device"));
    const count = Math.min(this.room, bytes.length);
    this.room -= count;
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return Promise.resolve(count);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

for (const room of [0, 1, 5, 6, 7, 12, 13, 18]) {
  Deno.test(`LineWriter loses no line and repeats none when its output is full after ${room} bytes`, async () => {
    const disk = new SmallDisk(room);
    const failed: string[] = [];
    const writer = new LineWriter(disk, { onFailure: (_error, lines) => failed.push(...lines) });
    for (const line of ["one 1", "two 2", "tre 3"]) writer.push(line);
    await until(() => failed.length > 0 || room === 18, "the failure");
    disk.room = room === 0 ? 0 : 3;
    writer.push("for 4");
    // Once more it is full, within the line or before it.
    if (room !== 18) await until(() => failed.includes("for 4"), "the second failure");
    disk.room = 1_000;
    writer.push("fiv 5");
    await writer.close(5_000);
    const written = disk.text.split("\n").filter((line) => /^... \d$/.test(line));
    assert.deepEqual([...written, ...failed].sort(), ["fiv 5", "for 4", "one 1", "tre 3", "two 2"]);
    assert.equal(writer.dropped, 0);
  });
}
