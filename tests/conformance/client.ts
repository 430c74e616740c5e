import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { PATIENCE_MS } from "../support/wait.ts";

/** The outcome of one TLS client that sent "hello" and read to the end. */
export interface Outcome {
  /** `null` where the handshake, or the first read after it, failed. */
  answer: string | null;
  error: string;
  protocol: string | null;
  alpn: string | null;
  /** The DNS names of the certificate that the server showed. */
  names: string[];
}

/** A client of node:tls: it can be given a name, a certificate, and limits of versions. */
export function tlsClient(options: tls.ConnectionOptions & { socket?: Duplex }): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { answer: null, error: "", protocol: null, alpn: null, names: [] };
    const client = tls.connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options });
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => client.destroy(new Error("timed out")), PATIENCE_MS);
    client.once("secureConnect", () => {
      outcome.protocol = client.getProtocol();
      outcome.alpn = client.alpnProtocol || null;
      const { subjectaltname = "" } = client.getPeerCertificate();
      outcome.names = subjectaltname.split(", ").filter((name) => name.startsWith("DNS:")).map((name) => name.slice(4));
      client.end("hello");
    });
    client.on("data", (chunk) => chunks.push(chunk));
    client.on("error", (error) => outcome.error ||= error.message);
    client.once("close", () => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).toString();
      outcome.answer = text === "" ? null : text;
      resolve(outcome);
    });
  });
}
