// The command line's start: dist/podrun.cjs, and V8's cache behind it.
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";

const DIST = join(import.meta.dirname, "../../dist");

/** The command line in a folder of its own, where nothing has run yet. */
function install(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-launcher-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of ["podrun.cjs", "podrun-main.cjs"]) copyFileSync(join(DIST, name), join(folder, name));
  return folder;
}

/** What it printed, and whether V8 took the cache. */
function run(folder: string): { readonly printed: boolean; readonly cached: boolean } {
  // Whoever runs the tests may have a cache of his own, which would go before the launcher's.
  const { NODE_COMPILE_CACHE: _, ...outer } = process.env;
  const env = { ...outer, NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
  const { stdout, stderr } = spawnSync(join(folder, "podrun.cjs"), ["version", "--client"], { env, encoding: "utf8" });
  const said = `${stdout}${stderr}`;
  return { printed: said.includes("Client Version: v"), cached: /podrun-main\.cjs was accepted/.test(said) };
}

t.test("a command finds what V8 made of it the time before, and not what was made of another", async (t) => {
  const folder = install(t);
  t.same(run(folder), { printed: true, cached: false });
  t.same(run(folder), { printed: true, cached: true });
  const main = join(folder, "podrun-main.cjs");
  writeFileSync(main, `${readFileSync(main, "utf8")}\n// another\n`);
  t.same(run(folder), { printed: true, cached: false });
  t.same(run(folder), { printed: true, cached: true });
});

t.test("a command works with a damaged cache, and with a place for it that is none", async (t) => {
  const folder = install(t);
  run(folder);
  for (const file of globSync(join(folder, "compile-cache/*/*"))) writeFileSync(file, "damaged");
  t.equal(run(folder).printed, true);
  rmSync(join(folder, "compile-cache"), { recursive: true });
  writeFileSync(join(folder, "compile-cache"), "");
  t.same(run(folder), { printed: true, cached: false });
});
