import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { namesIn } from "../../../src/linux/folder-names.ts";
import { giveToGroup } from "../../../src/pod/claims/fs-group.ts";

const GROUP = 4711;

const owned = (path: string) => ({ name: "data", path, group: GROUP, readOnly: false, onlyOnMismatch: false });

function makeFiles(folder: string, count: number): void {
  mkdirSync(folder);
  for (let n = 0; n < count; n++) writeFileSync(join(folder, `f${n}`), "");
}

t.test("names come in slices, all of them, those that are no UTF-8 too", async (t) => {
  const folder = join(t.testdir(), "flat");
  makeFiles(folder, 2500);
  writeFileSync(Buffer.from(`${folder}/\xff\xfe`, "latin1"), "");
  const slices = [...namesIn(folder)];
  t.ok(slices.length >= 3 && slices.every(({ length }) => length <= 1000));
  t.same(slices.flat().sort(), readdirSync(folder, { encoding: "latin1" }).sort());
  t.throws(() => [...namesIn(join(folder, "gone"))], { code: "ENOENT" });
});

t.test("a volume is given to its group with all that is in it, and a link's target is not", async (t) => {
  const folder = t.testdir({ outside: "x", volume: { sub: { file: "x" } } });
  const volume = join(folder, "volume");
  symlinkSync("../outside", join(volume, "link"));
  writeFileSync(Buffer.from(`${volume}/\xff`, "latin1"), "");
  await giveToGroup([owned(volume)]);
  for (const name of ["", "sub", "sub/file", "link", "\xff"])
    t.equal(lstatSync(Buffer.from(`${volume}/${name}`, "latin1")).gid, GROUP, name);
  t.equal(lstatSync(join(volume, "sub")).mode & 0o7777, 0o2775);
  t.not(lstatSync(join(folder, "outside")).gid, GROUP);
});

t.test("others have their turn while the names of a large folder are still being read", async (t) => {
  const volume = join(t.testdir(), "volume");
  makeFiles(volume, 5000);
  const isGiven = () => readdirSync(volume).some((name) => lstatSync(join(volume, name)).gid === GROUP);
  let turns = 0;
  let done = false;
  // A clock that is always late.
  let now = 0;
  const given = giveToGroup([owned(volume)], () => (now += 1000)).finally(() => (done = true));
  while (!done && !isGiven()) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(turns >= 5, `${turns} turns before the first file was given`);
  await given;
});
