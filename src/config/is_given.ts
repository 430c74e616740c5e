import type { Path } from "./positions.ts";

/** Whether a key was given, by the file or by a flag. */
export type IsGiven = (path: Path) => boolean;
