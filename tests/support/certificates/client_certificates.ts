/** Certificates of clients, right and wrong, and what has to become of each. */
import * as x from "./certificate_builder.ts";

const DAY_MS = 86_400_000;

/** A client's certificate, and whether it may come in. */
export interface ClientCertificate {
  title: string;
  leaf: x.Built;
  /** Shown beside it. */
  chain: x.Built[];
  admitted: boolean;
  /** It is verified, and yet refused by node on Deno, which would not look whether the client holds its key. */
  deniedOnDeno?: boolean;
}

export interface ClientCertificates {
  /** The trusted authority. */
  ca: x.Built;
  /** Its intermediate authority, which a revocation list has to be there for too. */
  intermediate: x.Built;
  clients: ClientCertificate[];
}

/** Makes them all; some take a second of RSA. */
export function makeClientCertificates(): ClientCertificates {
  const caUses = [x.basicConstraints(true), x.keyUsage(0x06)];
  const authority = (title: string, options: Partial<x.BuildOptions> = {}) =>
    x.build({ subject: x.commonName(title), extensions: caUses, ...options });
  const ca = authority("clients' CA");
  const twin = authority("clients' CA");
  const stranger = authority("another CA");
  const intermediate = authority("intermediate", { issuer: ca });
  const leafUses = [x.keyUsage(0x80), x.extendedKeyUsage(x.CLIENT_AUTH)];
  const leaf = (options: Partial<x.BuildOptions> = {}) =>
    x.build({ subject: x.commonName("alice"), issuer: ca, extensions: leafUses, ...options });
  const below = (issuer: x.Built, extensions: x.Extension[] = []) =>
    leaf({ issuer, extensions: [...leafUses, ...extensions] });
  const clients: ClientCertificate[] = [];
  const admit = (title: string, leaf: x.Built, ...chain: x.Built[]) =>
    clients.push({ title, leaf, chain, admitted: true });
  const refuse = (title: string, leaf: x.Built, ...chain: x.Built[]) =>
    clients.push({ title, leaf, chain, admitted: false });

  admit("good", leaf());
  admit("good, by an intermediate", below(intermediate), intermediate);
  admit("good, without any use", leaf({ extensions: [x.basicConstraints(false)] }));
  admit("good, P-384", leaf({ key: "P-384" }));
  admit("good, RSA 2048", leaf({ key: "RSA-2048" }));
  admit("good, with the root beside", leaf(), ca);
  admit("good, with a stranger's authority beside", leaf(), stranger);
  refuse("expired", leaf({ notAfter: Date.now() - DAY_MS }));
  refuse("not yet valid", leaf({ notBefore: Date.now() + DAY_MS }));
  refuse("for servers only", leaf({ extensions: [x.extendedKeyUsage(x.SERVER_AUTH)] }));
  refuse("for code signing", leaf({ extensions: [x.extendedKeyUsage(x.CODE_SIGNING)] }));
  refuse("key usage without signatures", leaf({ extensions: [x.keyUsage(0x20), x.extendedKeyUsage(x.CLIENT_AUTH)] }));
  refuse("by another CA", leaf({ issuer: stranger }));
  refuse("by another CA that is shown", leaf({ issuer: stranger }), stranger);
  refuse("by a twin of the CA", leaf({ issuer: twin }));
  refuse("by a twin of the CA that is shown", leaf({ issuer: twin }), twin);
  refuse("self-signed", leaf({ issuer: undefined }));
  refuse("self-signed with the CA's name", leaf({ issuer: undefined, subject: ca.subject }));
  const alice = leaf();
  refuse("by another client", leaf({ issuer: alice }), alice);
  const plain = leaf({ extensions: [x.extendedKeyUsage(x.CLIENT_AUTH)] });
  refuse("by another client without constraints", leaf({ issuer: plain }), plain);
  refuse("without its intermediate", below(intermediate));
  const expired = authority("expired intermediate", { issuer: ca, notAfter: Date.now() - DAY_MS });
  refuse("by an expired intermediate", below(expired), expired);
  const silent = authority("intermediate that may not sign", {
    issuer: ca,
    extensions: [x.basicConstraints(true), x.keyUsage(0x80)],
  });
  refuse("by an intermediate that may not sign", below(silent), silent);
  const serving = authority("intermediate for servers", {
    issuer: ca,
    extensions: [...caUses, x.extendedKeyUsage(x.SERVER_AUTH)],
  });
  refuse("by an intermediate for servers", below(serving), serving);
  const constrained = authority("constrained", {
    issuer: ca,
    extensions: [...caUses, x.dnsConstraints(["good.example"], ["bad.good.example"])],
  });
  admit("a name that is permitted", below(constrained, [x.dnsNames("a.good.example")]), constrained);
  refuse("a name that is not permitted", below(constrained, [x.dnsNames("a.other.example")]), constrained);
  refuse("a name that is excluded", below(constrained, [x.dnsNames("x.bad.good.example")]), constrained);
  const last = authority("last intermediate", { issuer: ca, extensions: [x.basicConstraints(true, 0), x.keyUsage(6)] });
  admit("within the path length", below(last), last);
  const beyond = authority("beyond the path length", { issuer: last });
  refuse("beyond the path length", below(beyond), beyond, last);
  admit("NUL in the name", leaf({ subject: x.commonName("alice\0.evil.example") }));
  admit("newline in the name", leaf({ subject: x.commonName("alice\nlevel=error") }));
  admit("two names", leaf({ subject: x.name(["2.5.4.3", x.utf8("mallory")], ["2.5.4.3", x.utf8("alice")]) }));
  refuse("signed with SHA-1", leaf({ hash: "sha1" }));
  const sha1 = authority("SHA-1 intermediate", { issuer: ca, hash: "sha1" });
  refuse("by an intermediate signed with SHA-1", below(sha1), sha1);
  refuse("RSA 1024", leaf({ key: "RSA-1024" }));
  const weak = authority("RSA 1024 intermediate", { issuer: ca, key: "RSA-1024" });
  refuse("by an intermediate of RSA 1024", below(weak), weak);
  refuse("unknown critical extension", leaf({ extensions: [...leafUses, ["1.2.3.4.5", true, x.utf8("?")]] }));
  const denied = (title: string, leaf: x.Built) =>
    clients.push({ title, leaf, chain: [], admitted: true, deniedOnDeno: true });
  denied("X.509 version 1", leaf({ extensions: undefined }));
  let chain: x.Built[] = [];
  for (let depth = 12; depth > 0; depth--) chain = [authority(`depth ${depth}`, { issuer: chain[0] ?? ca }), ...chain];
  admit("by twelve intermediates", below(chain[0]), ...chain);
  return { ca, intermediate, clients };
}
