import { readFileSync } from "node:fs";

/**
 * The number of a user or group of this machine, by its name in `/etc/passwd` or `/etc/group` (passwd(5), group(5)), or
 * of a number itself. Names that come from a directory service are not in these files; their numbers work.
 * @returns `null` where there is no such name
 */
export function idOfName(kind: "user" | "group", name: string): number | null {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  let text: string;
  try {
    text = readFileSync(kind === "user" ? "/etc/passwd" : "/etc/group", "utf8");
  } catch {
    // Without the file no name is known, which the caller says.
    return null;
  }
  for (const line of text.split("\n")) {
    const [known, , id] = line.split(":");
    if (known === name && /^\d+$/.test(id ?? "")) return Number(id);
  }
  return null;
}
