import assert from "node:assert/strict";
import { acceptProduct } from "../../scripts/build/acceptance.ts";
import { productCommand } from "../../scripts/build/target.ts";
import { binaries, ownBinaries } from "./support/binaries.ts";
import { type Peer, peerTest } from "../support/peers/peers.ts";

/** A product that is as a real one, but for what the script does before. */
async function withSpoilt(script: string, use: (command: string[]) => Promise<void>): Promise<void> {
  const real = await ownBinaries()[0].path();
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/product`;
    await Deno.writeTextFile(path, `#!/bin/sh\nreal=${real}\n${script}\nexec "$real" "$@"\n`, { mode: 0o755 });
    await use([path]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const WRONG: [string, string, RegExp][] = [
  [
    "makes no certificate",
    `[ "$1" != cert ] || { echo "error: no" >&2; exit 4; }`,
    /"cert --out made" ended with 4: error: no/,
  ],
  ["finds the configuration wrong", `[ "$1" != check ] || exit 1`, /"check proxy.toml" ended with 1: it said nothing/],
  [
    "ends at once",
    `[ "$1" != run ] || { echo "no leave" >&2; exit 0; }`,
    /ended without the record "listening": no leave/,
  ],
  ["runs one worker", `[ "$1" != run ] || sed -i s/workers.*/workers=1/ proxy.toml`, /it runs 1 workers instead of 2/],
  [
    "tells no metrics",
    `[ "$1" != run ] || sed -i /admin/d proxy.toml`,
    /ENOENT.*admin\.sock/,
  ],
  [
    "reaches no application",
    `[ "$1" != run ] || sed -i s/app.sock/other.sock/ proxy.toml`,
    /a request before a reload failed: /,
  ],
  [
    "ends with another code than 0",
    `[ "$1" != run ] || { "$real" "$@" & child=$!; trap 'kill -HUP $child' HUP; ` +
    `trap 'kill $child; wait $child; exit 5' TERM; while kill -0 $child; do wait $child; done; exit 1; }`,
    /"run" ended with 5 after SIGTERM/,
  ],
  ["leaves a file behind", `: > "$TMPDIR/left.cache"`, /it left left\.cache in the temporary folder/],
];

for (const [what, script, message] of WRONG) {
  Deno.test(`acceptProduct() refuses a product that ${what}`, async () => {
    await withSpoilt(script, async (command) => {
      await assert.rejects(acceptProduct(command), { message });
    });
  });
}

for (const binary of binaries()) {
  // The build has asked this of what it made.
  if (Deno.env.get("TLS_OFF_DIST")) continue;
  const peers: Peer[] = [];
  const command = productCommand("binary", binary.target);
  if (command.length > 1) peers.push({ command: command[0], debian: "qemu-user-static" });
  peerTest(`acceptProduct() takes ${binary.name}`, peers, async () => {
    await acceptProduct(productCommand(await binary.path(), binary.target));
  });
}
