import type { FileBackend } from "../backends/files.ts";
import type { Contender } from "../contenders/contender.ts";
import type { Lab } from "../lab/lab.ts";
import type { CryptoSpeed } from "../measure/crypto.ts";
import type { Fleet } from "../contenders/proxies.ts";
import type { Settings } from "../settings.ts";

/** What the experiments on proxies share. */
export interface Context {
  lab: Lab;
  fleet: Fleet;
  backend: FileBackend;
  contenders: Contender[];
  settings: Settings;
  /** What the floor must pay besides relaying. */
  crypto: CryptoSpeed;
}
