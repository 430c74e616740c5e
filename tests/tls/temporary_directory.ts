import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A temporary directory of one test, which is removed at its end: `await using directory = await
 * makeTemporaryDirectory()`.
 */
export interface TemporaryDirectory extends AsyncDisposable {
  path: string;
  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array, mode?: number): Promise<string>;
}

export async function makeTemporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "tls-off-test-"));
  return {
    path,
    async write(name, content, mode = 0o600) {
      const file = join(path, name);
      await writeFile(file, content);
      // The mode is set afterwards, because at creation the umask would change it.
      await chmod(file, mode);
      return file;
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true });
    },
  };
}
