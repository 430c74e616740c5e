/** How a program ended, and its whole output. */
export interface Outcome {
  /** -1 where it could not be started. */
  code: number;
  output: string;
}

/** Runs a program to its end. */
export async function runCommand(
  [file, ...args]: string[],
  options: { cwd?: string; env?: Record<string, string>; clearEnv?: boolean; timeoutMs?: number } = {},
): Promise<Outcome> {
  const { cwd, env, clearEnv, timeoutMs = 600_000 } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const command = new Deno.Command(file, { args, cwd, env, clearEnv, signal, stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { code: -1, output: error instanceof Error ? error.message : String(error) };
  }
}

/** Finds the most telling line of an output: the first with "error" in it, else the last. */
export function tellingLine(output: string): string {
  // deno-lint-ignore no-control-regex
  const lines = output.replace(/\x1b\[[0-9;]*m/g, "").split("\n").map((line) => line.trim()).filter((line) =>
    line !== ""
  );
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "it said nothing";
}
