/**
 * What ACME keeps on disk, for this process and for others on the same folder:
 *
 *     accounts/HOST-HASH.pem       the account's key
 *     certificates/NAME-HASH.pem   a certificate's key and chain, in one file
 *     certificates/NAME-HASH.json  when it is renewed, and how the last attempt went
 *     challenges/NAME-HASH.json    what answers the connection that validates a name; for minutes
 *     locks/NAME-HASH              who orders that certificate; for minutes
 *
 * Folders have mode 0700, files 0600.
 */
import { mkdir, open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import {
  createExclusively,
  type FileSteps,
  removeAbandoned,
  removeFile,
  temporaryName,
  writeAtomically,
} from "./atomic_file.ts";
import type { Challenge } from "../tls/challenge/challenge.ts";
import type { Clock } from "./clock.ts";
import { isRecord } from "./protocol/directory.ts";
import { type AccountKey, generateAccountKey, importAccountKey } from "./protocol/jws.ts";
import { type HeldLock, type LockTimes, takeLock } from "./lock.ts";
import { cannotKeep, checkFolders, FOLDERS, statNewFile, storageFolders } from "./storage_folder.ts";
import { fileName, shortHash } from "./stored_certificate.ts";

/** A validation takes minutes. A challenge that is older than this was left by a process that died. */
const CHALLENGE_MS = 600_000;
/** Most bytes of a file: a challenge has two kilobytes, and a state some hundred bytes. */
const MAX_JSON_BYTES = 64 * 1024;

/** What is remembered of a certificate between two starts. Times in milliseconds since the epoch. */
export interface CertificateState {
  /** The server has asked that no attempt is made before this time. */
  notBeforeMs: number;
  /** Failures in a row. */
  failures: number;
  /** The error of the last attempt; "" where that succeeded. */
  lastError: string;
}

/** A certificate that the storage knows of, and what it was ordered by. */
export interface SavedCertificate {
  /** Its name in the storage. */
  id: string;
  names: string[];
  directory: string;
  profile: string;
}

export interface StorageOptions {
  steps?: FileSteps;
  lock?: LockTimes;
}

/** The storage folder. */
export class AcmeStorage {
  private constructor(readonly path: string, private readonly options: StorageOptions) {}

  /**
   * Opens the folder; makes it where it is missing.
   * @throws {Error} where it can't be used, in one line
   */
  static async open(path: string, options: StorageOptions = {}): Promise<AcmeStorage> {
    try {
      for (const folder of storageFolders(path)) await mkdir(folder, { recursive: true, mode: 0o700 });
      await checkFolders(path);
      for (const name of FOLDERS) await removeAbandoned(join(path, name));
    } catch (error) {
      throw cannotKeep(path, error);
    }
    return new AcmeStorage(path, options);
  }

  /**
   * The account's key at a directory; made where there is none.
   * @param kid of the external account that it is bound to; "" for none
   */
  async accountKey(directory: string, kid: string): Promise<AccountKey> {
    const host = new URL(directory).hostname;
    const path = join(this.path, "accounts", `${fileName(host)}-${shortHash(JSON.stringify([directory, kid]))}.pem`);
    const found = await readIfThere(path);
    if (found !== null) return await this.#importKey(path, found);
    const key = await generateAccountKey();
    const beside = temporaryName(path);
    try {
      await writeAtomically(beside, key.pem, this.options.steps);
      // Two processes that make a key at the same time both go on with the one that was stored first.
      if (await createExclusively(beside, path)) return key;
    } finally {
      await unlink(beside).catch(() => {});
    }
    return await this.#importKey(path, await readFile(path, "utf8"));
  }

  certificatePath(id: string): string {
    return join(this.path, "certificates", `${id}.pem`);
  }

  /** Stores a certificate and its key in place of the former one. */
  async saveCertificate(id: string, { keyPem, chainPem }: { keyPem: string; chainPem: string }): Promise<void> {
    await writeAtomically(this.certificatePath(id), keyPem + chainPem, this.options.steps);
  }

  async removeCertificate(id: string): Promise<void> {
    await removeFile(this.certificatePath(id), this.options.steps);
  }

  /** Returns the state of a certificate. One that cannot be read counts as none, and then an attempt is made. */
  async readState(id: string): Promise<CertificateState> {
    const value = parse(await readIfThere(this.#statePath(id)).catch(() => null));
    const number = (key: string) => typeof value[key] === "number" ? value[key] : 0;
    return {
      notBeforeMs: number("notBeforeMs"),
      failures: number("failures"),
      lastError: typeof value.lastError === "string" ? value.lastError : "",
    };
  }

  /** @param request what the certificate is ordered by, so that {@linkcode AcmeStorage.list} can tell */
  async saveState(id: string, state: CertificateState, request: Omit<SavedCertificate, "id">): Promise<void> {
    await writeAtomically(this.#statePath(id), `${JSON.stringify({ ...state, ...request })}\n`, this.options.steps);
  }

  /** Lists every certificate that was ordered here, also without success, by name. */
  async list(): Promise<SavedCertificate[]> {
    const saved: SavedCertificate[] = [];
    for (const file of (await readdir(join(this.path, "certificates"))).sort()) {
      if (!file.endsWith(".json") || file.startsWith(".")) continue;
      const id = file.slice(0, -".json".length);
      const { names, directory, profile } = parse(await readIfThere(this.#statePath(id)));
      const isList = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
      if (!isList || typeof directory !== "string" || typeof profile !== "string") continue;
      saved.push({ id, names, directory, profile });
    }
    return saved;
  }

  /** Stores the challenges that validations are answered with, for every process on this folder. */
  async saveChallenges(challenges: Challenge[]): Promise<void> {
    for (const challenge of challenges) {
      await writeAtomically(this.#challengePath(challenge.serverName), JSON.stringify(challenge), this.options.steps);
    }
  }

  async removeChallenges(challenges: Challenge[]): Promise<void> {
    for (const { serverName } of challenges) await removeFile(this.#challengePath(serverName), this.options.steps);
  }

  /** Returns every challenge that is to be answered now, whichever process it is of, ordered by name. */
  async readChallenges(): Promise<Challenge[]> {
    const folder = join(this.path, "challenges");
    const challenges: Challenge[] = [];
    for (const name of (await readdir(folder)).sort()) {
      if (!name.endsWith(".json") || name.startsWith(".")) continue;
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found === null || !found.isFile()) continue;
      if (Date.now() - found.mtimeMs > CHALLENGE_MS && await timeOf(folder) - found.mtimeMs > CHALLENGE_MS) {
        await removeFile(path, this.options.steps);
        continue;
      }
      const { serverName, cert, key } = parse(await readIfThere(path));
      if (typeof serverName !== "string" || typeof cert !== "string" || typeof key !== "string") continue;
      challenges.push({ serverName, cert, key });
    }
    return challenges;
  }

  /** Takes the lock for ordering a certificate; `null` where another process has it. */
  lock(id: string, clock: Clock): Promise<HeldLock | null> {
    return takeLock(join(this.path, "locks", id), clock, this.options.lock);
  }

  #statePath(id: string): string {
    return join(this.path, "certificates", `${id}.json`);
  }

  #challengePath(serverName: string): string {
    return join(this.path, "challenges", `${fileName(serverName)}-${shortHash(serverName)}.json`);
  }

  async #importKey(path: string, pem: string): Promise<AccountKey> {
    try {
      return await importAccountKey(pem);
    } catch (error) {
      throw new Error(`Cannot read the account's key in "${path}": ${(error as Error).message}`, { cause: error });
    }
  }
}

/** The time by the clock of a folder's file system, which may be another machine's: milliseconds since the epoch. */
async function timeOf(folder: string): Promise<number> {
  return (await statNewFile(folder)).mtimeMs;
}

async function readIfThere(path: string): Promise<string | null> {
  let file;
  try {
    // A pipe would hold whoever opens it.
    if (!(await stat(path)).isFile()) throw new Error(`"${path}" is no regular file`);
    file = await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const buffer = new Uint8Array(MAX_JSON_BYTES);
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) {
      count = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
    }
    return new TextDecoder().decode(buffer.subarray(0, length));
  } finally {
    await file.close();
  }
}

function parse(text: string | null): Record<string, unknown> {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
