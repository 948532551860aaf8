import { chmodSync, existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

export interface Bundle {
  /** Paths relative to the root of the repository. */
  readonly entry: string;
  readonly output: string;
  /** Whether the result obeys the fault switch. */
  readonly faults: boolean;
  /** Whether it is a program of its own, to be found on a PATH. */
  readonly program: boolean;
}

/**
 * Node 24 may wait for ever when it exits: V8's threads wait for a collection of the main thread, which waits for them to end
 * (nodejs/node issue 54918; one `podrun cp` of 200 MB in thirty). A command has no use for these threads.
 */
const ONE_THREAD = "--single-threaded";

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
  const text = `${program ? `#!${realpathSync(process.execPath)} ${ONE_THREAD}\n` : ""}${result.outputFiles[0]?.text}`;
  const path = join(root, output);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(`${path}.new`, text);
  chmodSync(`${path}.new`, program ? 0o755 : 0o644);
  renameSync(`${path}.new`, path);
}
