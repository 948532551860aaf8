// `npm run build`: what ships, in dist/. The C programs have been made by then (see "build" in package.json).
//   podrun.cjs        run by the Node that this repository installed; loads podrun-main.cjs, the command line in one file, and
//                     compile-cache/, what V8 made of it
//   yaml.cjs          the YAML parser, which the command line loads when it reads a manifest
//   daemon.cjs        the daemon; daemon-test.cjs obeys the fault switch (src/base/fault.ts)
//   disk-walker.cjs   the daemon's thread that measures trees of files
//   podrun-monitor    and podrun-monitor-test
//   base-image.tar    the image podrun.local/base
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeBaseImage } from "./build/base-image.ts";
import { bundle } from "./build/bundle.ts";
import { writeLauncher } from "./build/launcher.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

const isNewer = (path: string, than: string): boolean =>
  existsSync(path) && statSync(path).mtimeMs >= statSync(than).mtimeMs;

/** Replaced, never written into: a daemon that is running has the old file open. */
function copyProgram(name: string): void {
  const [from, to] = [join(ROOT, "build", name), join(DIST, name)];
  if (isNewer(to, from)) return;
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

mkdirSync(DIST, { recursive: true });
await Promise.all([
  bundle(ROOT, { entry: "src/cli/main.ts", output: "dist/podrun-main.cjs", faults: false, program: true }),
  bundle(ROOT, { entry: "yaml", output: "dist/yaml.cjs", faults: false, program: false }),
  bundle(ROOT, { entry: "src/daemon/main.ts", output: "dist/daemon.cjs", faults: false, program: false }),
  bundle(ROOT, { entry: "src/daemon/main.ts", output: "dist/daemon-test.cjs", faults: true, program: false }),
  bundle(ROOT, { entry: "src/linux/disk-walker.ts", output: "dist/disk-walker.cjs", faults: false, program: false }),
]);
writeLauncher(join(DIST, "podrun.cjs"), "podrun-main.cjs");
// Makes the cache.
execFileSync(join(DIST, "podrun.cjs"), ["version", "--client"], { stdio: "ignore" });
copyProgram("podrun-monitor");
copyProgram("podrun-monitor-test");
const image = join(DIST, "base-image.tar");
if (!isNewer(image, join(ROOT, "scripts/build/base-image.ts"))) await writeBaseImage(image);
