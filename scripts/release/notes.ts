/** Prints the notes of a release: the section of a version in CHANGELOG.md. Usage: notes.ts VERSION */

/**
 * The section of a version, without its heading.
 * @throws {RangeError} where there is none: a release needs notes that somebody wrote
 */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split("\n", 1)[0].trim() === version);
  if (section === undefined) throw new RangeError(`Cannot find notes for version ${version} in CHANGELOG.md`);
  return section.slice(section.indexOf("\n") + 1).trim();
}

if (import.meta.main) {
  const changelog = await Deno.readTextFile(new URL("CHANGELOG.md", import.meta.url));
  console.log(releaseNotes(changelog, Deno.args[0]));
}
