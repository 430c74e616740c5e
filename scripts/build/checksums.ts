/** Writes `SHA256SUMS` for files of a directory, in the form that `sha256sum --check` reads. */
export async function writeChecksums(directory: string, names: string[]): Promise<void> {
  const lines = [];
  for (const name of [...names].sort()) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${directory}/${name}`));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    lines.push(`${hex}  ${name}\n`);
  }
  await Deno.writeTextFile(`${directory}/SHA256SUMS`, lines.join(""));
}
