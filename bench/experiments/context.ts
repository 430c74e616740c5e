import type { FileBackend } from "../backends/nginx_files.ts";
import type { Contender } from "../contenders/contender.ts";
import type { Lab } from "../lab.ts";
import type { Fleet } from "../proxies.ts";
import type { Settings } from "../settings.ts";

/** What the experiments on proxies share. */
export interface Context {
  lab: Lab;
  fleet: Fleet;
  backend: FileBackend;
  contenders: Contender[];
  settings: Settings;
}
