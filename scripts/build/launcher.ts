import { realpathSync } from "node:fs";
import { replaceFile } from "./bundle.ts";

/**
 * Node 24 may wait for ever when it exits: V8's threads wait for a collection of the main thread, which waits for them to end
 * (nodejs/node issue 54918; one `podrun cp` of 200 MB in thirty). A command has no use for these threads.
 */
const ONE_THREAD = "--single-threaded";

/**
 * The file on the PATH: it loads the command line behind Node's compile cache, which holds what V8 made of it by a digest of its
 * text, so that a command need not read it anew (8 ms of 42). A cache that can't be read or written is done without.
 */
export function writeLauncher(path: string, main: string): void {
  const text = [
    `#!${realpathSync(process.execPath)} ${ONE_THREAD}`,
    '"use strict";',
    'require("node:module").enableCompileCache(__dirname + "/compile-cache");',
    `require("./${main}");`,
    "",
  ].join("\n");
  replaceFile(path, text, 0o755);
}
