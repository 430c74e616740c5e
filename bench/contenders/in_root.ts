import { findProgramIn } from "../lab/tools.ts";
import type { Contender } from "./contender.ts";

/**
 * A contender that is started from another Debian installation: in a folder that `debootstrap` has made, by `chroot`.
 * Its files are found by the same path there and here: see {@linkcode makeLabFolder}.
 */
export function inRoot(contender: Contender, root: string): Contender {
  const inside = ([command, ...args]: readonly string[]) => ["chroot", root, command, ...args];
  return {
    ...contender,
    root,
    // The message names its path in the folder, so that the missing file can be found.
    needs: [
      { command: "chroot", packages: ["coreutils"] },
      ...contender.needs.map(({ command, packages = [] }) => ({
        command: findProgramIn(root, command) ?? `${root}/usr/sbin/${command}`,
        hint: `; in ${root}, by debootstrap: ${packages.join(" ")}`,
      })),
    ],
    version: inside(contender.version),
    library: Array.isArray(contender.library) ? inside(contender.library) : contender.library,
    async launch(setup) {
      const launch = await contender.launch({ ...setup, root });
      const [command, ...args] = inside([launch.command, ...launch.args]);
      return { ...launch, command, args };
    },
  };
}
