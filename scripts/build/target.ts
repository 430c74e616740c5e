/** A machine that binaries are made for. */
export interface Target {
  /** As in the binaries' names. */
  name: "x64" | "arm64";
  /** Of `deno compile --target`. */
  denoTarget: string;
  /** Of `bun build --target`. */
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

/** This machine's. */
export const HOST: Target["name"] = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** The machine that a file is a Linux program for; `null`: none of the targets. */
export async function machineOf(path: string): Promise<Target | null> {
  using file = await Deno.open(path);
  const header = new Uint8Array(20);
  const count = await file.read(header);
  const isElf = count === header.length && new TextDecoder().decode(header.subarray(1, 4)) === "ELF";
  const machine = new DataView(header.buffer).getUint16(18, true);
  return isElf ? TARGETS.find((target) => target.machine === machine) ?? null : null;
}
