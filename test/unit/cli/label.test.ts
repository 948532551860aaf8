import t from "tap";
import { splitPairs } from "../../../src/cli/change-metadata.ts";
import { makePod, runCommand, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const WORDS = { field: "labels", noun: "label", changed: "", removed: "", unchanged: "" } as const;

t.test("what comes from the first change on is changes", async (t) => {
  const split = (...words: string[]) => {
    const { resources, changes } = splitPairs(words, WORDS);
    return [resources, Object.fromEntries(changes)];
  };
  t.same(split("pod", "a", "b", "x=1", "y=", "z-", "w=a=b-"), [
    ["pod", "a", "b"],
    { x: "1", y: "", z: null, w: "a=b-" },
  ]);
  t.same(split("pods"), [["pods"], {}]);
  t.throws(() => split("pod", "x=1", "web"), { message: "all resources must be specified before label changes: web" });
  t.throws(() => split("pod", "a", "x=1", "x-"), { message: /can not both modify and remove a label/ });
});

t.test("label sets, changes and takes away, and says which it was", async (t) => {
  const fake = await startFake(t);
  for (const name of ["one", "two"]) await fake.pods.create(makePod(name));
  const label = (...argv: string[]) => runCommand(fake, ["label", ...argv]);
  const labels = (name: string) => fake.pods.get("default", name).metadata.labels;
  said(t, await label("pod", "one", "app=web", "tier=front"), { stdout: "pod/one labeled\n" });
  t.same(labels("one"), { app: "web", tier: "front" });
  said(t, await label("pod/one", "app=web"), { stdout: "pod/one not labeled\n" });
  said(t, await label("pod", "one", "app=db"), {
    code: 1,
    stdout: "",
    stderr: "error: 'app' already has a value (web), and --overwrite is false\n",
  });
  said(t, await label("--overwrite", "po", "one", "app=db"), { stdout: "pod/one labeled\n" });
  said(t, await label("pod", "one", "tier-", "gone-"), { stdout: 'label "gone" not found.\npod/one unlabeled\n' });
  t.same(labels("one"), { app: "db" });
  said(t, await label("pods", "--all", "all=yes"), { stdout: "pod/one labeled\npod/two labeled\n" });
  said(t, await label("pods", "-l", "app=db", "only=me"), { stdout: "pod/one labeled\n" });
  said(t, await label("pods", "-l", "app=none", "only=me"), { stdout: "", stderr: "No resources found\n" });
  t.same(labels("two"), { all: "yes" });
  said(t, await label("pod", "two", "x=y", "--dry-run=client"), { stdout: "pod/two labeled (dry run)\n" });
  said(t, await label("pod", "two", "x=y", "--dry-run=server", "-o", "jsonpath={.metadata.labels.x}"), { stdout: "y" });
  t.same(labels("two"), { all: "yes" });
  said(t, await label("pod", "one", "--list"), { stdout: "all=yes\napp=db\nonly=me\n" });
  const version = fake.pods.get("default", "one").metadata.resourceVersion ?? "";
  said(t, await label("pod", "one", "v=1", `--resource-version=${version}`), { stdout: "pod/one labeled\n" });
  said(t, await label("pod", "one", "v=2", "--overwrite", `--resource-version=${version}`), {
    code: 1,
    stderr: /Conflict|modified/,
  });
  const file = await runCommand(fake, ["label", "-f", "-", "from=file"], { input: manifest("two") });
  said(t, file, { stdout: "pod/two labeled\n" });
  said(t, await runCommand(fake, ["get", "pods", "-l", "from=file", "-o", "name"]), { stdout: "pod/two\n" });
});

t.test("label refuses what makes no sense, and labels what can be", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("one"));
  const label = (...argv: string[]) => runCommand(fake, ["label", ...argv]);
  said(t, await label("pod", "one"), { code: 1, stderr: /at least one label update is required/ });
  said(t, await label("pod", "a=b"), { code: 1, stderr: /want the objects' names, or -l SELECTOR, or --all/ });
  said(t, await label("pod", "one", "--all", "a=b"), { code: 1, stderr: /only one of them/ });
  said(t, await label("pod", "one", "a=b c"), { code: 1, stderr: /Invalid\): metadata\.labels.*is not a label value/ });
  said(t, await label("pod", "one", "a b=c"), { code: 1, stderr: /is not a label key/ });
  said(t, await label("pod", "gone", "one", "a=b"), {
    code: 1,
    stdout: "pod/one labeled\n",
    stderr: 'Error from server (NotFound): pods "gone" not found\n',
  });
});

t.test("annotate does the same for annotations, of every kind", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("one"));
  const run = (...argv: string[]) => runCommand(fake, argv);
  said(t, await run("annotate", "pod", "one", "note=two words, and = more"), { stdout: "pod/one annotated\n" });
  t.same(fake.pods.get("default", "one").metadata.annotations, { note: "two words, and = more" });
  said(t, await run("annotate", "pod", "one", "note=x"), { code: 1, stderr: /--overwrite is false but found/ });
  said(t, await run("annotate", "pod", "one", "note-"), { stdout: "pod/one annotated\n" });
  t.same(fake.pods.get("default", "one").metadata.annotations, {});
  await run("create", "ns", "team");
  await run("create", "secret", "generic", "s", "-n", "team");
  said(t, await run("annotate", "ns", "team", "a=b"), { stdout: "namespace/team annotated\n" });
  said(t, await run("label", "ns/team", "a=b"), { stdout: "namespace/team labeled\n" });
  said(t, await run("label", "secrets", "-A", "--all", "a=b"), { stdout: "secret/s labeled\n" });
  t.match(fake.objects.get("Secret", "team", "s").metadata, { labels: { a: "b" } });
});
