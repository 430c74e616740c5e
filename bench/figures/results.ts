import type { Contender } from "../contenders/contender.ts";
import type { Calibration } from "../lab/calibration.ts";
import type { Machine } from "../lab/machine.ts";
import type { CryptoSpeed } from "../measure/crypto.ts";
import type { Failure } from "./progress.ts";
import type { Sample } from "./sample.ts";
import type { Settings } from "../settings.ts";

/** Where figures come from, as it was when the run began. */
export interface About {
  /** UTC. */
  date: string;
  commit: string | null;
  mode: "quick" | "full";
  machine: Machine;
  versions: Record<string, string>;
  settings: Settings;
  generator: "wrk" | "builtin";
  pinned: boolean;
  crypto: CryptoSpeed;
  /** What was missing, or made smaller to fit. */
  notes: string[];
  contenders: Pick<Contender, "name" | "kind">[];
}

/** Everything a bench found out: `results.json`. The report can be made from it again. */
export interface Results extends About {
  /** One for each round, in their order; none in results from before there were any. */
  calibrations?: Calibration[];
  samples: Sample[];
  failures: Failure[];
  /** Markdown that somebody wrote about these figures: where the time goes, what was tried. */
  remarks?: string;
}
