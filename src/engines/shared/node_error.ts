import { BROKEN_PIPE, CONNECTION_RESET, ConnError, type ConnErrorKind } from "../contract.ts";
import { errnoKind } from "./errno_kinds.ts";

/** Errors of Node's own. */
const KINDS: Record<string, ConnErrorKind> = {
  ERR_STREAM_DESTROYED: "closed",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "certificate",
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
};

/** X509_V_ERR_* names, as `authorizationError` has them. */
const CERTIFICATE_CODE = /^(CERT|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|INVALID_(CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT)/;

/** Makes a {@linkcode ConnError} of an error of `node:net` or `node:tls`, by its code. */
export function nodeConnError(error: unknown): ConnError {
  if (error instanceof ConnError) return error;
  if (!(error instanceof Error)) return new ConnError("other", String(error));
  const { code } = error as { code?: unknown };
  if (code === "ECONNRESET") return CONNECTION_RESET;
  if (code === "EPIPE") return BROKEN_PIPE;
  return new ConnError(nodeErrorKind(error), tidyMessage(error), { cause: error });
}

function nodeErrorKind(error: Error): ConnErrorKind {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return "other";
  // Bun's native engine has one code for all errors of OpenSSL.
  if (code === "EPROTO" && error.message.includes("PEER_DID_NOT_RETURN_A_CERTIFICATE")) return "certificate";
  const known = errnoKind(code) ?? (Object.hasOwn(KINDS, code) ? KINDS[code] : undefined);
  if (known !== undefined) return known;
  if (CERTIFICATE_CODE.test(code)) return "certificate";
  return /^(ERR_(SSL|OSSL|TLS)|EPROTO)/.test(code) ? "tls" : "other";
}

const TEXTS: Record<string, string> = {
  ECONNREFUSED: "Connection refused",
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  ENOTFOUND: "Host not found",
};

/** The message of an error: the operating system's, where there is one, since Bun has "Failed to connect" for all. */
function tidyMessage(error: Error): string {
  const { code } = error as { code?: string };
  if (code !== undefined && code in TEXTS) return `${TEXTS[code]} (${code})`;
  // OpenSSL's messages have the address of a thread and a source file, which would make each one look different.
  const match = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/i.exec(error.message);
  return match ? match[1] : error.message;
}
