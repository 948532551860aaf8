import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

export interface Bundle {
  /** Paths relative to the root of the repository. */
  readonly entry: string;
  readonly output: string;
  /** Whether the result obeys the fault switch. */
  readonly faults: boolean;
  /** Whether it is the command line, whose every start counts. */
  readonly program: boolean;
}

/** Native, or loading files beside themselves: left where npm put them, found there by `require` from dist/. */
const EXTERNAL = ["koffi", "netlink"];

/**
 * Half of the command line's bytes are the YAML parser, which `podrun exec` never runs but Node would compile at every start
 * (4 ms of 35): it is a file of its own, loaded where a manifest is read.
 */
const yamlBeside: Plugin = {
  name: "yaml-beside",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^yaml$/ }, ({ kind }) =>
      kind === "entry-point" ? undefined : { path: "./yaml.cjs", external: true },
    );
  },
};

/**
 * Makes one file of a program and all it imports: CommonJS, because Node starts it sooner than a module. Left as it is when
 * it would not change.
 */
export async function bundle(root: string, { entry, output, faults, program }: Bundle): Promise<void> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: output,
    write: false,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    external: EXTERNAL,
    plugins: program ? [yamlBeside] : [],
    minify: program,
    keepNames: program,
    legalComments: "none",
    define: {
      __FAULTS__: String(faults),
      // A bundle in CommonJS has no import.meta; what asks for its folder means the folder of the bundle.
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    banner: { js: '"use strict";' },
    logLevel: "warning",
  });
  replaceFile(join(root, output), result.outputFiles[0]?.text ?? "", 0o644);
}

/** Left as it is when it would not change. */
export function replaceFile(path: string, text: string, mode: number): void {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(`${path}.new`, text);
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
