import { type CommandName, COMMANDS, type FlagSpec } from "../args_commands.ts";
import { CONFIG_FLAGS, flagType } from "../../config/flags.ts";

/** What may follow a flag. */
type Completable =
  /** A switch. */
  | { kind: "none" }
  /** Something that no shell can know. */
  | { kind: "text" }
  | { kind: "file" }
  | { kind: "directory" }
  | { kind: "words"; words: string[] };

/** A flag with what may follow it. */
export interface CompletableFlag {
  /** With its dashes. */
  flag: string;
  description: string;
  repeatable: boolean;
  value: Completable;
}

export interface CompletableCommand {
  name: CommandName;
  summary: string;
  /** A `.toml` file follows. */
  file: boolean;
  /** One of these words follows; none: no word does. */
  words: readonly string[];
  flags: CompletableFlag[];
}

/** Every command as the shells' completions need it. */
export function completableCommands(): CompletableCommand[] {
  return COMMANDS.map(({ name, summary, file, argument, flags }) => ({
    name,
    summary,
    file: file !== null,
    words: argument?.words ?? [],
    flags: [
      ...flags.map((flag) => ({
        flag: `--${flag.name}`,
        description: flag.description,
        repeatable: flag.repeatable,
        value: completable(flag),
      })),
      { flag: "--help", description: "print help", repeatable: false, value: { kind: "none" } },
    ],
  }));
}

function completable({ name, value }: FlagSpec): Completable {
  if (value === "") return { kind: "none" };
  if (value === "PEM") return { kind: "file" };
  if (value === "DIR") return { kind: "directory" };
  const row = CONFIG_FLAGS.find(({ flag }) => flag === `--${name}`);
  const allowed = row && flagType(row).allowed;
  if (!allowed?.startsWith("one of")) return { kind: "text" };
  return { kind: "words", words: [...allowed.matchAll(/"([^"]+)"/g)].map(([, word]) => word) };
}
