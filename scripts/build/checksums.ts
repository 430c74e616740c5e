/** Computes the SHA-256 of bytes, in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Writes `SHA256SUMS` for files of a directory, in the form that `sha256sum --check` reads. */
export async function writeChecksums(directory: string, names: string[]): Promise<void> {
  const lines = [];
  for (const name of [...names].sort()) {
    lines.push(`${await sha256(await Deno.readFile(`${directory}/${name}`))}  ${name}\n`);
  }
  await Deno.writeTextFile(`${directory}/SHA256SUMS`, lines.join(""));
}
