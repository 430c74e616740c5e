import type { RevocationList } from "./verify/revocation.ts";
import type { ClientAuthMode, TlsVersion } from "../config/config.ts";
import type { Address } from "../net/address.ts";
import type { CertificateNeeds } from "./certificates/certificate_needs.ts";
import type { Challenge } from "./challenge/challenge.ts";
import type { RouteRules } from "./route_index.ts";

/** A certificate that was loaded and checked. */
export interface CertificateMaterial {
  /** PEM: leaf first, then its chain. */
  cert: string;
  /** PEM, unencrypted. Never logged. */
  key: string;
  /** Lower-case server names, `*.` allowed as the first label. */
  names: string[];
  /** What decides which clients can use it. */
  needs: CertificateNeeds;
}

/** What an engine is asked to listen with. */
export interface TlsListenOptions {
  address: Address;
  /** Of a Unix socket with a path: its mode and owners, as in the configuration. Absent where nothing is set. */
  access?: { mode: string; owner: string; group: string };
  /** The first answers for unknown names; none where every route passes TLS through. */
  certificates: CertificateMaterial[];
  /** What answers connections that validate a name for an ACME server; none where no name is being validated. */
  challenges: Challenge[];
  sniStrict: boolean;
  /**
   * What has to be decided by the ClientHello: who is refused, which protocols are offered, whose TLS is passed
   * through. `null` where nothing is.
   */
  routes: RouteRules | null;
  /** Where `routes` decides nothing. */
  alpn: string[];
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  clientAuth: {
    mode: ClientAuthMode;
    /** PEM bundle of authorities. */
    ca: string | null;
    /** None: nobody asks whether a certificate was revoked. */
    crl: RevocationList[];
  };
  backlog: number;
  /** Several sockets may share the address (SO_REUSEPORT). */
  reusePort: boolean;
  /** An inherited listening socket to use instead of binding one. */
  fd?: number;
  /**
   * Set where a PROXY header may stand in front of TLS: the connection is then handed out before its handshake, with
   * `readPreamble` available.
   */
  preamble: boolean;
}
