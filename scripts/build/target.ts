/** A machine that binaries are made for. */
export interface Target {
  /** The name in those of the binaries. */
  name: "x64" | "arm64";
  /** The name for `deno compile --target`. */
  denoTarget: string;
  /** The name for `bun build --target`. */
  bunTarget: string;
  /** `e_machine` of an ELF file, elf(5). */
  machine: number;
  /** Runs a binary of this machine on another, with its arguments in front of the binary's name. */
  emulator: string[];
}

export const TARGETS: readonly Target[] = [
  {
    name: "x64",
    denoTarget: "x86_64-unknown-linux-gnu",
    bunTarget: "bun-linux-x64",
    machine: 62,
    emulator: ["qemu-x86_64-static", "-L", "/usr/x86_64-linux-gnu"],
  },
  {
    name: "arm64",
    denoTarget: "aarch64-unknown-linux-gnu",
    bunTarget: "bun-linux-arm64",
    machine: 183,
    emulator: ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"],
  },
];

/** The target of this machine. */
export const HOST: Target["name"] = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** The command that runs a binary of a target on this machine, as far as an emulator is here. */
export function productCommand(path: string, target: Target): string[] {
  return target.name === HOST ? [path] : [...target.emulator, path];
}
