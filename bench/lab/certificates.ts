import { join } from "node:path";

/** Paths of a server's certificate, in the forms that one or the other program wants. */
export interface CertificateFiles {
  /** The authority that signed it. */
  ca: string;
  /** The certificate alone. */
  cert: string;
  key: string;
  /** Key and certificate in one file (hitch, HAProxy). */
  combined: string;
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stderr: "piped", stdout: "null" }).output();
  if (!success) throw new Error(`Cannot make the bench's certificates: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Makes an authority and a certificate for `localhost` signed by it: ECDSA P-256 or RSA 2048. */
export async function makeCertificates(folder: string, kind: "ecdsa" | "rsa"): Promise<CertificateFiles> {
  await Deno.mkdir(folder);
  const files: CertificateFiles = {
    ca: join(folder, "ca.pem"),
    cert: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
    combined: join(folder, "combined.pem"),
  };
  const newKey = kind === "ecdsa" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
  const request = ["req", "-x509", "-nodes", "-days", "30", "-newkey", ...newKey];
  const caKey = join(folder, "ca-key.pem");
  await openssl(...request, "-subj", "/CN=bench authority", "-keyout", caKey, "-out", files.ca);
  await openssl(
    ...request,
    ...["-subj", "/CN=localhost", "-keyout", files.key, "-out", files.cert, "-CA", files.ca, "-CAkey", caKey],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  );
  await Deno.writeTextFile(files.combined, await Deno.readTextFile(files.key) + await Deno.readTextFile(files.cert));
  // Peers that give up root before they read it must be able to read it.
  await Deno.chmod(files.combined, 0o644);
  await Deno.chmod(files.key, 0o644);
  return files;
}
