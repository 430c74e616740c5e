/**
 * Runs the tests of the folders that are named. After the report of `deno test` it lists the skipped tests by name, and
 * ends with one line of counts that any CI can read.
 */
/** How many files are tested at a time. Tests mostly wait, so that two cores have time for four. */
const FILES_AT_ONCE = "4";

const reports = await new Deno.Command(Deno.execPath(), {
  args: ["test", "--lock=deno.lock", "--allow-all", "--no-prompt", "--parallel", ...Deno.args],
  env: { DENO_JOBS: Deno.env.get("DENO_JOBS") ?? FILES_AT_ONCE },
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let output = "";
const decoder = new TextDecoder();
for await (const chunk of reports.stdout) {
  await Deno.stdout.write(chunk);
  output += decoder.decode(chunk, { stream: true });
}
const { code } = await reports.status;

// deno-lint-ignore no-control-regex
const lines = output.replace(/\x1b\[[0-9;]*m/g, "").split("\n");
const skipped = lines.filter((line) => line.includes(" ... ignored"));
if (skipped.length > 0) {
  console.log("\nSkipped:");
  for (const line of skipped) console.log(`  ${line.split(" ... ")[0]}`);
}
const count = (word: string) =>
  lines.filter((line) => /^(ok|FAILED) \|/.test(line))
    .reduce((sum, line) => sum + Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0), 0);
console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("ignored")} skipped`);
Deno.exit(code);
