/**
 * Takes the folder in which packages were cached out of the comments that a bundler writes: without it, every machine
 * writes the same file. A package is named as `npm:NAME/VERSION/…` then.
 */
export function withoutCachePaths(text: string): string {
  return text.replace(
    /(["/ ])[^"'\s]*\/npm\/[^"'\s/]+\/((?:@[^"'\s/]+\/)?[^"'\s/]+\/\d[^"'\s/]*\/)/g,
    "$1npm:$2",
  );
}
