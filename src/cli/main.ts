import process from "node:process";
import { type Invocation, parseCommandLine, UsageError } from "./args.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`${line}\n`);

/**
 * Each command is loaded when it is asked for: `version` needs no supervisor, and what serves needs no certificates
 * made.
 */
async function execute(invocation: Invocation): Promise<number> {
  switch (invocation.command) {
    case "run": {
      const { startThread } = await import("../supervisor/workers/threads.ts");
      await startThread();
      const { run } = await import("./run.ts");
      return await run(invocation, complain);
    }
    case "check": {
      const { check } = await import("./check.ts");
      return await check(invocation, print, complain);
    }
    case "acme": {
      const { acme } = await import("./acme.ts");
      return await acme(invocation, print);
    }
    case "demo": {
      const { demo } = await import("./demo.ts");
      return await demo(invocation.port, print, complain);
    }
    case "cert": {
      const { cert } = await import("./cert.ts");
      await cert(invocation, print);
      return 0;
    }
    case "top": {
      const { top } = await import("./top.ts");
      return await top(invocation.admin, print);
    }
    case "completions": {
      const { completions } = await import("./completions/completions.ts");
      print(completions(invocation.shell).trimEnd());
      return 0;
    }
    case "version": {
      const { versionText } = await import("./version.ts");
      print(versionText());
      return 0;
    }
    case "help": {
      const { helpText } = await import("./help.ts");
      print(helpText(invocation.topic));
      return 0;
    }
  }
}

/** Runs a command line, and returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    return await execute(parseCommandLine(argv, process.cwd()));
  } catch (error) {
    complain(`tls-off: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}
