/** Reads the imports of a tree of sources, and says which of them the order of layers or the ban on circles forbids. */
import { dirname, join } from "node:path/posix";

/** One import of a file of the tree by another. */
export interface Import {
  /** Path of the importing file, relative to the root of the tree. */
  from: string;
  /** Path of the imported file, relative to the root of the tree. */
  to: string;
  /** Line of the importing file that names the imported one, counted from 1. */
  line: number;
  /** That line without the spaces around it. */
  text: string;
}

/** Which folders of the tree may import from which. */
export interface Layers {
  /** The folders of each layer, from the lowest layer to the highest. A file at the root stands for itself. */
  order: readonly (readonly string[])[];
  /** Pairs of folders within one layer of which the first may import from the second. */
  allowed: readonly (readonly [string, string])[];
}

const IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;

/**
 * Lists the relative imports and exports of every file, types and dynamic imports included.
 *
 * @param sources text of each file by its path, relative to the root of the tree
 */
export function listImports(sources: ReadonlyMap<string, string>): Import[] {
  return [...sources].flatMap(([from, text]) =>
    text.split("\n").flatMap((line, index) =>
      [...line.matchAll(IMPORT)].map(([, path]) => ({
        from,
        to: join(dirname(from), path),
        line: index + 1,
        text: line.trim(),
      }))
    )
  );
}

/** Says of each import that goes against the layers where it stands and what is wrong with it. */
export function findLayerViolations(imports: readonly Import[], { order, allowed }: Layers): string[] {
  const layerOf = (folder: string) => order.findIndex((layer) => layer.includes(folder));
  return imports.flatMap((one) => {
    const [from, to] = [folderOf(one.from), folderOf(one.to)];
    if (one.to.startsWith("../") || from === to) return [];
    const [importing, imported] = [layerOf(from), layerOf(to)];
    if (importing < 0 || imported < 0) return [describe(one, `${importing < 0 ? from : to} is in no layer`)];
    if (imported < importing || allowed.some(([first, second]) => first === from && second === to)) return [];
    return [describe(one, `${from} may not import from ${to}`)];
  });
}

/** Says of each circle of imports which files it goes through, beginning with the line that closes it. */
export function findCircles(imports: readonly Import[]): string[] {
  const importsOf = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const path: string[] = [];
  const circles: string[] = [];
  const visit = (file: string) => {
    path.push(file);
    for (const one of importsOf.get(file) ?? []) {
      const start = path.indexOf(one.to);
      if (start >= 0) circles.push(describe(one, `closes the circle ${[...path.slice(start), one.to].join(" -> ")}`));
      else if (!done.has(one.to)) visit(one.to);
    }
    path.pop();
    done.add(file);
  };
  for (const file of importsOf.keys()) if (!done.has(file)) visit(file);
  return circles;
}

function folderOf(path: string): string {
  return path.split("/")[0];
}

function describe({ from, line, text }: Import, problem: string): string {
  return `${from}:${line}: ${problem}: ${text}`;
}
