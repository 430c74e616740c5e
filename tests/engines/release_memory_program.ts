/** Program for Bun: asks for memory back while many large buffers are held, and says whether garbage is collected. */
import process from "node:process";
import { releaseMemorySoon } from "../../src/engines/shared/release_memory.ts";

const BUFFERS = 200;
const BYTES = 512 * 1024;

const buffers = Array.from({ length: BUFFERS }, () => new Uint8Array(BYTES).fill(1));
Object.assign((globalThis as unknown as { Bun: object }).Bun, { gc: () => console.log("collected") });
releaseMemorySoon();
process.on("exit", () => console.log(buffers.length));
