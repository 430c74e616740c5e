import process from "node:process";
import { runtimeName } from "./name.ts";

/** The variable that names a file for the secrets of TLS sessions, with which any recording can be decrypted. */
const VARIABLE = "SSLKEYLOGFILE";

/** What the environment says of a key log: the file's path, `null` for none, `unreadable` without permission to ask. */
type KeyLog = { path: string } | "unreadable" | null;

/**
 * Whether this runtime writes the secrets of TLS sessions to a file. Deno does so wherever the variable is set,
 * whatever the permissions of the program. Bun 1.4 and Node 20 do not know the variable.
 */
export function readKeyLog(): KeyLog {
  if (runtimeName() !== "deno") return null;
  try {
    const path = process.env[VARIABLE];
    // An empty path cannot be opened, and nothing is written.
    return path === undefined || path === "" ? null : { path };
  } catch {
    return "unreadable";
  }
}

/**
 * Decides what a key log means for a start.
 *
 * @param allowed the flag `--allow-key-log` was given
 * @returns why the program must not start, and what to warn of; `null` for none
 */
export function judgeKeyLog(keyLog: KeyLog, allowed: boolean): { refusal: string | null; warning: string | null } {
  if (keyLog === null) return { refusal: null, warning: null };
  if (keyLog === "unreadable") {
    const warning = `cannot tell whether ${VARIABLE} is set, with which Deno writes every connection's secrets to a ` +
      `file: add ${VARIABLE} to --allow-env`;
    return { refusal: null, warning };
  }
  const what = `${VARIABLE} is set, so Deno writes every connection's secrets to ${JSON.stringify(keyLog.path)}`;
  return allowed
    ? { refusal: null, warning: what }
    : { refusal: `${what}: unset it, or give --allow-key-log`, warning: null };
}
