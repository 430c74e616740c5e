import process from "node:process";
import { acme } from "./acme.ts";
import { type Invocation, parseCommandLine, UsageError } from "./args.ts";
import { cert } from "./cert.ts";
import { check } from "./check.ts";
import { demo } from "./demo.ts";
import { helpText } from "./help.ts";
import { run } from "./run.ts";
import { top } from "./top.ts";
import { versionText } from "./version.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`${line}\n`);

async function execute(invocation: Invocation): Promise<number> {
  switch (invocation.command) {
    case "run":
      return await run(invocation, complain);
    case "check":
      return await check(invocation, print, complain);
    case "acme":
      return await acme(invocation, print);
    case "demo":
      return await demo(invocation.port, print, complain);
    case "cert":
      await cert(invocation, print);
      return 0;
    case "top":
      return await top(invocation.admin, print);
    case "completions": {
      const { completions } = await import("./completions/completions.ts");
      print(completions(invocation.shell).trimEnd());
      return 0;
    }
    case "version":
      print(versionText());
      return 0;
    case "help":
      print(helpText(invocation.topic));
      return 0;
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
