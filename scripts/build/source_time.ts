import { ROOT } from "../reference/inventory.ts";
import { BuildError } from "./build_error.ts";
import { runCommand } from "./run_command.ts";

/**
 * The time of the sources, so that the same sources make the same files: SOURCE_DATE_EPOCH in seconds where that is set
 * (reproducible-builds.org), else the last commit's; without git, now.
 * @throws {BuildError} where SOURCE_DATE_EPOCH is no time
 */
export async function sourceTime(environment: (name: string) => string | undefined): Promise<Date> {
  const given = environment("SOURCE_DATE_EPOCH");
  if (given) {
    if (!/^\d{1,11}$/.test(given)) throw new BuildError(`Cannot use SOURCE_DATE_EPOCH="${given}": must be seconds`);
    return new Date(Number(given) * 1000);
  }
  const { code, output } = await runCommand(["git", "log", "-1", "--format=%ct"], { cwd: ROOT });
  return code === 0 ? new Date(Number(output) * 1000) : new Date();
}
