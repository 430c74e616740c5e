/** A certificate authority of `openssl ca`, in a directory of its own. */
export class OpensslCa {
  private constructor(readonly directory: string, readonly title: string) {}

  /** @param issuer who signs it; absent: itself */
  static async create(directory: string, title: string, issuer?: OpensslCa): Promise<OpensslCa> {
    const ca = new OpensslCa(`${directory}/${title}`, title);
    Deno.mkdirSync(ca.directory);
    Deno.writeTextFileSync(ca.#file("index.txt"), "");
    Deno.writeTextFileSync(ca.#file("serial"), "1000\n");
    Deno.writeTextFileSync(ca.#file("crlnumber"), "01\n");
    Deno.writeTextFileSync(ca.#file("openssl.cnf"), ca.#settings());
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", ca.#file("ca.key")];
    const subject = ["-subj", `/CN=${title}`, "-config", ca.#file("openssl.cnf")];
    if (issuer === undefined) {
      await openssl("req", "-x509", ...key, ...subject, "-extensions", "authority", "-out", ca.certificate);
    } else {
      await openssl("req", ...key, ...subject, "-out", ca.#file("ca.csr"));
      await issuer.#sign(ca.#file("ca.csr"), ca.certificate, "authority");
    }
    return ca;
  }

  /** The authority's certificate. */
  get certificate(): string {
    return this.#file("ca.pem");
  }

  /** Signs a client's certificate; answers the file, the key's stands beside it and ends in `.key`. */
  async issue(name: string): Promise<string> {
    const base = this.#file(name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${base}.pem.key`];
    await openssl("req", ...key, "-subj", `/CN=${name}`, "-config", this.#file("openssl.cnf"), "-out", `${base}.csr`);
    await this.#sign(`${base}.csr`, `${base}.pem`, "client");
    return `${base}.pem`;
  }

  async revoke(certificate: string): Promise<void> {
    await openssl("ca", "-config", this.#file("openssl.cnf"), "-revoke", certificate);
  }

  /** Writes the revocation list; answers its text. */
  async list(...options: string[]): Promise<string> {
    const file = this.#file("list.pem");
    await openssl("ca", "-config", this.#file("openssl.cnf"), "-gencrl", "-out", file, ...options);
    return await Deno.readTextFile(file);
  }

  async #sign(request: string, certificate: string, extensions: string): Promise<void> {
    const how = ["-config", this.#file("openssl.cnf"), "-batch", "-notext", "-extensions", extensions];
    await openssl("ca", ...how, "-in", request, "-out", certificate);
  }

  #file(name: string): string {
    return `${this.directory}/${name}`;
  }

  #settings(): string {
    return `
[ca]
default_ca = own
[own]
database = ${this.#file("index.txt")}
serial = ${this.#file("serial")}
crlnumber = ${this.#file("crlnumber")}
new_certs_dir = ${this.directory}
certificate = ${this.certificate}
private_key = ${this.#file("ca.key")}
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[client]
extendedKeyUsage = clientAuth
`;
  }
}

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
