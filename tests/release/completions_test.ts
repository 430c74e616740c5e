import assert from "node:assert/strict";
import { bashCompletion } from "../../src/cli/completions/bash.ts";
import { completableCommands } from "../../src/cli/completions/completable.ts";
import { fishCompletion } from "../../src/cli/completions/fish.ts";
import { zshCompletion } from "../../src/cli/completions/zsh.ts";
import { COMMANDS } from "../../src/cli/args_commands.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

/** A directory with a file of each kind. */
async function withFiles(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const name of ["proxy.toml", "cert.pem", "notes.txt"]) await Deno.writeTextFile(`${directory}/${name}`, "");
    await Deno.mkdir(`${directory}/certs`);
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What bash proposes for a line, the cursor at its end. */
async function bash(line: string, directory: string): Promise<string[]> {
  const words = line.split(" ").map((word) => `'${word}'`).join(" ");
  const script = `cd '${directory}'; compopt() { :; }\n${bashCompletion()}\n` +
    `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tls_off; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { text, errors } = await runPeer("bash", ["-c", script]);
  assert.equal(errors, "", line);
  return text.split("\n").filter((word) => word !== "").sort();
}

Deno.test("completableCommands() knows what follows each flag", () => {
  const commands = completableCommands();
  assert.deepEqual(commands.map(({ name }) => name), COMMANDS.map(({ name }) => name));
  const value = (command: string, flag: string) =>
    commands.find(({ name }) => name === command)!.flags.find((one) => one.flag === flag)!.value;
  assert.deepEqual(value("run", "--engine"), { kind: "words", words: ["auto", "native", "node"] });
  assert.deepEqual(value("run", "--listen"), { kind: "text" });
  assert.deepEqual(value("run", "--key"), { kind: "file" });
  assert.deepEqual(value("cert", "--out"), { kind: "directory" });
  assert.deepEqual(value("cert", "--force"), { kind: "none" });
  assert.deepEqual(value("check", "--help"), { kind: "none" });
});

peerTest("bash completes commands, files, flags and their values", [{ command: "bash", debian: "bash" }], async () => {
  await withFiles(async (directory) => {
    assert.deepEqual(await bash("tls-off ch", directory), ["check"]);
    assert.deepEqual(await bash("tls-off pro", directory), ["proxy.toml"]);
    assert.deepEqual(await bash("tls-off check ", directory), ["certs", "proxy.toml"]);
    assert.deepEqual(await bash("tls-off run --en", directory), ["--engine"]);
    assert.deepEqual(await bash("tls-off run --engine n", directory), ["native", "node"]);
    assert.deepEqual(await bash("tls-off proxy.toml --log-level ", directory), ["debug", "error", "info", "warn"]);
    assert.deepEqual(await bash("tls-off run --cert ce", directory), ["cert.pem", "certs"]);
    assert.deepEqual(await bash("tls-off cert --out ", directory), ["certs"]);
    assert.deepEqual(await bash("tls-off run --listen ", directory), []);
    assert.deepEqual(await bash("tls-off top --", directory), ["--admin", "--help"]);
  });
});

peerTest(
  "shellcheck finds nothing in the bash completion",
  [{ command: "shellcheck", debian: "shellcheck" }],
  async () => {
    const { text } = await runPeer("shellcheck", ["-s", "bash", "-"], new TextEncoder().encode(bashCompletion()));
    assert.equal(text, "");
  },
);

peerTest("fish completes commands, files, flags and their values", [{ command: "fish", debian: "fish" }], async () => {
  await withFiles(async (directory) => {
    await Deno.writeTextFile(`${directory}/tls-off.fish`, fishCompletion());
    const complete = async (line: string) => {
      const script = `cd ${directory}; source tls-off.fish; complete -C '${line}'`;
      const { text, errors } = await runPeer("fish", ["--no-config", "-c", script]);
      assert.equal(errors, "", line);
      return text.split("\n").map((proposal) => proposal.split("\t")[0]).filter((word) => word !== "").sort();
    };
    assert.deepEqual(await complete("tls-off ch"), ["check"]);
    assert.deepEqual(await complete("tls-off run --en"), ["--engine"]);
    assert.deepEqual(await complete("tls-off run --engine n"), ["native", "node"]);
    assert.ok((await complete("tls-off check ")).includes("proxy.toml"));
    assert.deepEqual(await complete("tls-off run --cert ce"), ["cert.pem", "certs/"]);
    assert.deepEqual(await complete("tls-off run proxy.toml --log-format j"), ["journald", "json"]);
  });
});

peerTest("zsh takes its completion", [{ command: "zsh", debian: "zsh" }], async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/_tls-off`, zshCompletion());
    // In a terminal of its own, as completion is interactive: what Tab makes of an unfinished line.
    const script = `
      zmodload zsh/zpty
      zpty shell 'zsh -f -i'
      zpty -w shell 'PS1=; fpath=(${directory} $fpath); autoload -U compinit; compinit -D -u; bindkey "^I" complete-word; print set up'
      zpty -r shell output $'*set up\\r\\n*'
      zpty -w -n shell $'print -r -- tls-off run --log-format jou\\t'
      zpty -w shell ''
      zpty -r shell output '*journald*' && print completed
      zpty -d shell`;
    const checked = await runPeer("zsh", ["-n", `${directory}/_tls-off`]);
    assert.equal(checked.errors, "");
    const { text } = await runPeer("timeout", [
      "20",
      "zsh",
      "-f",
      "-c",
      script.replace("print -r -- tls-off", "tls-off"),
    ]);
    assert.match(text, /completed/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
