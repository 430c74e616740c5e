import assert from "node:assert/strict";
import { readSources, ROOT } from "../scripts/reference/inventory.ts";
import { findCircles, findLayerViolations, type Layers, listImports } from "./support/imports.ts";

/** The layers of src/, as src/README.md explains them. */
const LAYERS: Layers = {
  order: [
    ["config", "files", "net", "std", "runtimes"],
    ["tls", "proxy_protocol"],
    ["linux", "systemd"],
    ["engines"],
    ["metrics", "log"],
    ["proxy", "admin", "acme", "redirect"],
    ["supervisor"],
    ["cli"],
    ["main.ts"],
  ],
  allowed: [
    ["config", "files"],
    ["config", "net"],
    ["config", "runtimes"],
    ["files", "net"],
    ["files", "runtimes"],
    ["systemd", "linux"],
    ["log", "metrics"],
  ],
};

/** The sources by their paths below src/. */
function sources(): Map<string, string> {
  const folder = `${ROOT}src`;
  return new Map([...readSources(folder)].map(([path, text]) => [path.slice(folder.length + 1), text]));
}

Deno.test("every import of src/ goes to a lower layer, or is one of those allowed within a layer", () => {
  const imports = listImports(sources());
  assert.ok(imports.length > 500, `${imports.length} imports`);
  assert.deepEqual(findLayerViolations(imports, LAYERS), []);
});

Deno.test("no files of src/ import each other in a circle", () => {
  assert.deepEqual(findCircles(listImports(sources())), []);
});

/** As many files side by side are still found at a glance. */
const MOST_FILES = 20;

Deno.test(`no folder of src/, tests/, scripts/ and bench/ has more than ${MOST_FILES} files side by side`, () => {
  const crowded: string[] = [];
  const look = (folder: string) => {
    const entries = [...Deno.readDirSync(`${ROOT}${folder}`)];
    const files = entries.filter(({ isFile }) => isFile).length;
    if (files > MOST_FILES) crowded.push(`${folder}: ${files} files`);
    // Results of the bench are data, in folders by machine and date.
    for (const { name, isDirectory } of entries) if (isDirectory && name !== "results") look(`${folder}/${name}`);
  };
  for (const folder of ["src", "tests", "scripts", "bench"]) look(folder);
  assert.deepEqual(crowded, []);
});

/** A tree of two layers, of which the lower one has two folders. */
const MADE_UP: Layers = { order: [["low", "base"], ["high"]], allowed: [["low", "base"]] };

function importsOf(files: Record<string, string>) {
  return listImports(new Map(Object.entries(files)));
}

Deno.test("listImports() finds imports, exports, types and dynamic imports, on one line or several", () => {
  const imports = importsOf({
    "high/a.ts": [
      'import { b } from "../low/b.ts";',
      "import {",
      "  type C,",
      '} from "./c.ts";',
      'import "./d.ts";',
      'export * from "./e/f.ts";',
      'const g = await import("../low/g.ts");',
      'import assert from "node:assert/strict";',
    ].join("\n"),
  });
  assert.deepEqual(imports.map(({ to, line }) => [to, line]), [
    ["low/b.ts", 1],
    ["high/c.ts", 4],
    ["high/d.ts", 5],
    ["high/e/f.ts", 6],
    ["low/g.ts", 7],
  ]);
});

Deno.test("findLayerViolations() takes imports downwards, within a folder, within a layer where allowed, and from outside", () => {
  const imports = importsOf({
    "high/a.ts": 'import "../low/b.ts";\nimport "./c.ts";\nimport "../../deno.json";',
    "low/b.ts": 'import "../base/d.ts";',
  });
  assert.deepEqual(findLayerViolations(imports, MADE_UP), []);
});

Deno.test("findLayerViolations() names the line of an import upwards, within a layer, or of a folder without a layer", () => {
  const imports = importsOf({
    "low/b.ts": '// Upwards.\n  import { a } from "../high/a.ts";',
    "base/d.ts": 'import { b } from "../low/b.ts";',
    "new/e.ts": 'import { b } from "../low/b.ts";',
    "high/a.ts": 'import { e } from "../new/e.ts";',
  });
  assert.deepEqual(findLayerViolations(imports, MADE_UP), [
    'low/b.ts:2: low may not import from high: import { a } from "../high/a.ts";',
    'base/d.ts:1: base may not import from low: import { b } from "../low/b.ts";',
    'new/e.ts:1: new is in no layer: import { b } from "../low/b.ts";',
    'high/a.ts:1: new is in no layer: import { e } from "../new/e.ts";',
  ]);
});

Deno.test("findCircles() names every file of a circle and the line that closes it", () => {
  const imports = importsOf({
    "low/a.ts": 'import "./b.ts";\nimport "./d.ts";',
    "low/b.ts": 'import "./c.ts";\nimport "./d.ts";',
    "low/c.ts": '\nimport type { A } from "./a.ts";',
    "low/d.ts": "",
  });
  assert.deepEqual(findCircles(imports), [
    "low/c.ts:2: closes the circle low/a.ts -> low/b.ts -> low/c.ts -> low/a.ts: " +
    'import type { A } from "./a.ts";',
  ]);
});

Deno.test("findCircles() finds a file that imports itself, and nothing where two ways lead to one file", () => {
  assert.equal(findCircles(importsOf({ "low/a.ts": 'import "./a.ts";' })).length, 1);
  assert.deepEqual(
    findCircles(importsOf({ "a.ts": 'import "./b.ts";\nimport "./c.ts";', "b.ts": 'import "./c.ts";', "c.ts": "" })),
    [],
  );
});
