/** The command of the task `start`, which alone says with what permissions, flags and environment the program runs. */
import manifest from "../deno.json" with { type: "json" };

/** A command of the form `[NAME=value …] deno run [flag …] MODULE`, in its parts. */
export interface StartCommand {
  environment: Record<string, string>;
  /** The flags that say which packages Deno may download; only for who runs the source in this repository. */
  lock: string[];
  flags: string[];
  /** Path of the module that is run. */
  module: string;
}

/** The command of the task `start` of this repository. */
export const START_COMMAND: string = manifest.tasks.start.command;

/**
 * The flags of Bun that the program is to run with. It collects garbage more often then, while what has died still fits
 * into the caches: new connections cost 1 to 4 % less, and nothing costs more (`bench/README.md`).
 */
export const BUN_FLAGS: readonly string[] = ["--smol"];

/** Takes a command apart; `null` where it has another form, or needs a shell to be understood. */
export function parseStartCommand(command: string): StartCommand | null {
  const words = command.trim().split(/\s+/);
  const settings = words.slice(0, words.indexOf("deno"));
  const [program, verb, ...rest] = words.slice(settings.length);
  const module = rest.pop();
  if (program !== "deno" || verb !== "run" || module === undefined || /["'$`|&;<>]/.test(command)) return null;
  if (!settings.every((word) => /^\w+=/.test(word)) || !rest.every((word) => word.startsWith("-"))) return null;
  const isLock = (flag: string) => flag === "--frozen" || flag.startsWith("--lock=");
  return {
    environment: Object.fromEntries(settings.map((setting) => setting.split("=", 2))),
    lock: rest.filter(isLock),
    flags: rest.filter((flag) => !isLock(flag)),
    module,
  };
}

/**
 * Takes the command of this repository apart.
 * @throws {TypeError} where it has another form
 */
export function startCommand(command = START_COMMAND): StartCommand {
  const parsed = parseStartCommand(command);
  if (parsed === null) throw new TypeError('Cannot read task "start" of deno.json: must be a plain "deno run" command');
  return parsed;
}

/** The environment variables that the command gives leave to read, as written. */
export function allowedEnvironment({ flags }: StartCommand): string[] {
  const flag = flags.find((flag) => flag.startsWith("--allow-env="));
  return flag?.slice("--allow-env=".length).split(",") ?? [];
}
