import { CONFIG_FLAGS } from "../config/flags.ts";
import { describeKeys } from "../config/schema/schema.ts";

/** The commands as they are typed. */
export type CommandName = "run" | "check" | "acme" | "demo" | "cert" | "top" | "completions" | "version";

/** One flag of a command. */
export interface FlagSpec {
  /** The flag's name without its dashes. */
  name: string;
  /** What the help calls the value; "" for a switch, which has none. */
  value: string;
  repeatable: boolean;
  required: boolean;
  description: string;
}

/** One command. The parsing of arguments, the help and the reference come from here. */
export interface CommandSpec {
  name: CommandName;
  /** One line, for the list of commands. */
  summary: string;
  /** Whether a file follows the command; `null` for none. */
  file: "optional" | "required" | null;
  /** What follows the command's name, as the help writes it, where that is more than a word or a file. */
  usage?: string;
  /** A word that has to follow the command. */
  argument?: { name: string; words: readonly string[] };
  flags: FlagSpec[];
  /** Command lines that show how it is used. */
  examples?: readonly string[];
  /** Paragraphs for the command's own help. */
  details: string[];
}

/** The address that `top` asks, and that the documents propose for `admin.listen`. */
export const DEFAULT_ADMIN = "127.0.0.1:9180";
/** The port that `demo` listens on. */
export const DEFAULT_DEMO_PORT = 8443;

const RUN_FLAGS: FlagSpec[] = CONFIG_FLAGS.map((flag) => ({
  name: flag.flag.slice(2),
  value: flag.value,
  repeatable: flag.repeatable,
  required: false,
  // A start of the program needs no texts.
  get description() {
    return describeFlag(flag);
  },
}));

function describeFlag({ table, key, text }: (typeof CONFIG_FLAGS)[number]): string {
  if (text) return text.description;
  const path = table === "" ? key : `${table}.${key}`;
  const described = describeKeys().find((key) => key.path === path)!;
  const note = described.default === null || described.default === '""' ? "" : ` (default: ${described.default})`;
  return described.description + note;
}

/** The switch of `run` that lets it start although the runtime writes the secrets of sessions to a file. */
export const ALLOW_KEY_LOG = "allow-key-log";

/** The switch of `check` that lets it ask over the network. */
export const ONLINE = "online";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "run the proxy (the command's name may be left out before CONFIG.toml)",
    file: "optional",
    flags: [
      ...RUN_FLAGS,
      flag(
        ALLOW_KEY_LOG,
        "",
        "start although SSLKEYLOGFILE is set, which makes Deno write every connection's secrets to a file",
      ),
    ],
    examples: [
      "tls-off run --listen :8443 --backend localhost:3000 --cert cert.pem --key key.pem",
      "tls-off run --listen :443 --backend unix:app.sock --cert cert.pem --key key.pem --alpn h2",
      "tls-off /etc/tls-off/tls-off.toml",
    ],
    details: [
      "Flags override the file. --listen, --backend, --route, --cert and --key (or --acme and --acme-agree) need no file; with a " +
      "file they and --engine and --proxy-protocol change its only listener.",
      "--acme orders a certificate for a name and renews it; the authority connects to port 443 of that name for it.",
      "ADDR is 127.0.0.1:8443, [::1]:8443, :8443 (all addresses), unix:/run/app.sock or unix:@name (abstract).",
      "SIGHUP reloads the file, SIGTERM and SIGINT drain, a second one stops at once, SIGUSR1 reopens the log file.",
    ],
  },
  {
    name: "check",
    summary: "validate a configuration and its certificates, and say each listener's engine",
    file: "required",
    flags: [flag(ONLINE, "", "also ask whether the directory of [acme] answers")],
    examples: ["tls-off check proxy.toml", "envsubst < proxy.toml.in | tls-off check -"],
    details: [
      "CONFIG.toml may be -, which is standard input; relative paths in it start from the working directory then.",
      "Prints every problem found, not only the first, and exits with 1 if one is an error.",
    ],
  },
  {
    name: "acme",
    summary: "list, renew or revoke certificates that were ordered by acme",
    file: null,
    argument: { name: "ACTION", words: ["list", "renew", "revoke"] },
    usage: "list|renew NAME|revoke NAME [CONFIG.toml]",
    flags: [],
    examples: ["tls-off acme list proxy.toml", "tls-off acme renew example.org proxy.toml"],
    details: [
      "NAME is one of the certificate's names. Without CONFIG.toml the defaults of [acme] count: the storage is the folder " +
      "acme of the working directory.",
      "The challenge of a renewal is answered by the tls-off that runs on the same storage; it serves the new certificate " +
      "within seconds, and orders another one for one that was revoked.",
    ],
  },
  {
    name: "demo",
    summary: "try it: a self-signed certificate, an echo application, and the proxy in front of it",
    file: null,
    flags: [flag("port", "PORT", `port to listen on (default: ${DEFAULT_DEMO_PORT})`)],
    details: [],
  },
  {
    name: "cert",
    summary: "make a certificate and key for development",
    file: null,
    flags: [
      { ...flag("out", "DIR", "directory to write cert.pem and key.pem to"), required: true },
      {
        ...flag(
          "host",
          "NAME",
          "name or IP address that the certificate is for (default: localhost, 127.0.0.1 and ::1)",
        ),
        repeatable: true,
      },
      flag("force", "", "replace the files where they are there"),
    ],
    examples: ["tls-off cert --out . --host localhost --host app.test"],
    details: [],
  },
  {
    name: "top",
    summary: "live table of throughput, connections and busiest clients",
    file: null,
    flags: [flag("admin", "ADDR", `the proxy's admin.listen (default: ${DEFAULT_ADMIN})`)],
    examples: ["tls-off top", "tls-off top --admin unix:/run/tls-off/admin.sock"],
    details: [],
  },
  {
    name: "completions",
    summary: "print the completion of the command line for a shell",
    file: null,
    argument: { name: "SHELL", words: ["bash", "zsh", "fish"] },
    flags: [],
    examples: [
      "source <(tls-off completions bash)",
      "tls-off completions fish > ~/.config/fish/completions/tls-off.fish",
    ],
    details: [],
  },
  {
    name: "version",
    summary: "print the version, the runtime, its engines and key exchange",
    file: null,
    flags: [],
    details: [],
  },
];

function flag(name: string, value: string, description: string): FlagSpec {
  return { name, value, repeatable: false, required: false, description };
}
