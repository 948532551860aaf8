import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The layer of every module in src/. Imports point down only (docs/architecture.md). */
const LAYERS: Readonly<Record<string, number>> = {
  base: 0,
  spec: 0,
  linux: 1,
  image: 1,
  net: 1,
  store: 1,
  sandbox: 2,
  pod: 3,
  controllers: 3,
  cri: 4,
  api: 4,
  daemon: 5,
  cli: 5,
};

/** Modules of one layer that may import one another all the same. */
const SAME_LAYER: ReadonlySet<string> = new Set(["spec -> base", "controllers -> pod"]);

/** Of the layers below it the command line knows the manifests and the API's client; the daemon's code is not in its bundle. */
const CLI_MAY_IMPORT = /^(spec|base)\/|^api\/(client[a-z-]*|connect|start-daemon|status)\.ts$/;
const CLI_MAY_LOAD = /^(cli|spec|base|api)\//;

/** `from "./x.ts"`, `import "./x.ts"` and `import("./x.ts")`, types included: a type that points upwards is a wrong layer too. */
const RELATIVE_IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+\.ts)"/g;
const TYPE_IMPORT = /\b(?:import|export)\s+type\b[^"]*"[^"]+"/g;

/** File paths relative to src/, each with the files it imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

/** `erase`: what to take out of each file before its imports are read. */
function readImports(src: string, erase?: RegExp): Imports {
  const imports = new Map<string, readonly string[]>();
  for (const file of globSync("**/*.ts", { cwd: src }).sort()) {
    const text = readFileSync(join(src, file), "utf8").replaceAll(erase ?? /$^/g, "");
    const found = [...text.matchAll(RELATIVE_IMPORT)].map((match) => resolve(src, dirname(file), match[1] ?? ""));
    imports.set(
      file,
      found.filter((path) => existsSync(path)).map((path) => relative(src, path)),
    );
  }
  return imports;
}

const moduleOf = (file: string): string => file.split("/")[0] ?? "";

function importProblem(from: string, to: string): string | undefined {
  const [a, b] = [moduleOf(from), moduleOf(to)];
  if (a === b) return undefined;
  const [layerA, layerB] = [LAYERS[a], LAYERS[b]];
  if (layerA === undefined) return `src/${from}: module "${a}" has no layer in scripts/check/layers.ts`;
  if (layerB === undefined) return `src/${from} imports ${to}: it belongs to no module of src/`;
  if (a === "cli" && !CLI_MAY_IMPORT.test(to)) {
    return `src/${from} imports ${to}: cli/ may import only api/client*, spec/ and base/`;
  }
  if (layerB > layerA) return `src/${from} (layer ${layerA}) imports ${to} (layer ${layerB}): imports point down only`;
  if (layerB === layerA && !SAME_LAYER.has(`${a} -> ${b}`)) {
    return `src/${from} imports ${to}: both are of layer ${layerA}, and such modules do not know one another`;
  }
  return undefined;
}

/** The cycles that a depth-first walk meets, each once. */
function findCycles(imports: Imports): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of imports.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return cycles;
}

/** What the command line would load of the daemon's code, through whatever files: types do not count, for Node erases them. */
function loadedByCli(imports: Imports): string[] {
  const reached = new Map([...imports.keys()].filter((file) => moduleOf(file) === "cli").map((file) => [file, ""]));
  for (const [file] of reached) {
    for (const next of imports.get(file) ?? []) if (!reached.has(next)) reached.set(next, file);
  }
  return [...reached]
    .filter(([file]) => !CLI_MAY_LOAD.test(file))
    .map(([file, by]) => `src/${by} makes the command line load ${file}, which is the daemon's`);
}

/** What is wrong with the imports below `src`: upwards, sideways, or in a circle. */
export function layerProblems(src: string): readonly string[] {
  const imports = readImports(src);
  const wrong = [...imports].flatMap(([from, targets]) => targets.map((to) => importProblem(from, to)));
  const circles = findCycles(imports).map((cycle) => `import cycle: ${cycle.join(" -> ")}`);
  const loaded = loadedByCli(readImports(src, TYPE_IMPORT));
  return [...wrong.filter((problem) => problem !== undefined), ...circles, ...loaded];
}
