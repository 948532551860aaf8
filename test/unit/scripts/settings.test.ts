// docs/settings.md names every variable that podrun reads, and no other.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

const ROOT = join(import.meta.dirname, "../../..");
const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/["`[ ](PODRUN_[A-Z0-9_]*[A-Z0-9])["`\]]/g)].map(([, name = ""]) => name);

t.test("each variable that podrun reads is in docs/settings.md, and no other is", (t) => {
  const sources = globSync("src/**/*.ts", { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), "utf8"));
  const read = new Set(sources.flatMap((text) => [...text.matchAll(/"(PODRUN_[A-Z0-9_]+)"/g)].map(([, name]) => name)));
  // Taken out of the environment by its name.
  for (const text of sources) for (const [, name] of text.matchAll(/\{ (PODRUN_[A-Z0-9_]+): /g)) read.add(name);
  const told = new Set(namesIn(readFileSync(join(ROOT, "docs/settings.md"), "utf8")));
  t.same([...told].sort(), [...read].sort());
  t.end();
});
