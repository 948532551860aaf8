import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { withHeading, withoutHeading } from "../../../src/cli/edit-file.ts";
import { mergeDiff } from "../../../src/cli/output/merge-diff.ts";
import { makePod, runCommand, runningPod, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("a merge patch is what was changed, and null for what has gone", (t) => {
  const before = { a: 1, b: { c: [1, 2], d: "x", e: { f: true } }, g: "gone" };
  t.same(mergeDiff(before, structuredClone(before)), {});
  t.same(mergeDiff(before, { a: 1, b: { c: [1], d: "x", e: {} }, h: {} }), {
    g: null,
    b: { c: [1], e: { f: null } },
    h: {},
  });
  t.same(mergeDiff({ a: { b: 1 } }, { a: [1] }), { a: [1] });
  t.same(mergeDiff({ a: "1" }, { a: { b: 1 } }), { a: { b: 1 } });
  t.end();
});

t.test("the heading is taken off, and nothing else that looks like it", (t) => {
  t.equal(withoutHeading(withHeading("a: 1\n# mine\nb: 2\n", ["wrong", "* very"])), "a: 1\n# mine\nb: 2\n");
  t.match(withHeading("a: 1\n", ["wrong"]), /^# Please edit the object below\..*\n# wrong\n#\na: 1\n$/s);
  for (const empty of ["", "\n \n", "# only\n# comments", "# one\n\n# two\n"])
    t.equal(withoutHeading(empty), "", empty);
  t.end();
});

/** An editor that runs the first of these shell commands on its file when it is called first, and so on. */
async function makeEditor(t: Test, ...scripts: readonly string[]) {
  const fake = await startFake(t);
  const folder = t.testdir();
  for (const [index, script] of scripts.entries()) writeFileSync(join(folder, `${index}.sh`), script);
  const editor = `n=$(cat ${folder}/calls 2>/dev/null | wc -l); cp "$1" ${folder}/seen.$n; echo x >> ${folder}/calls; . ${folder}/$n.sh`;
  writeFileSync(join(folder, "editor"), editor);
  const edit = (...argv: string[]) =>
    runCommand(fake, ["edit", ...argv], {
      env: { EDITOR: "no-such-editor", KUBE_EDITOR: `sh ${folder}/editor`, TMPDIR: folder },
    });
  return { fake, edit, seen: (call: number) => readFileSync(join(folder, `seen.${call}`), "utf8"), folder };
}

t.test("what is saved is what the object becomes", async (t) => {
  const { fake, edit, seen } = await makeEditor(
    t,
    `sed -i 's/^    app: web/    app: db\\n    tier: "1"/' "$1"`,
    `sed -i 's/terminationGracePeriodSeconds: 30/terminationGracePeriodSeconds: 010/' "$1"`,
  );
  const pod = runningPod("web");
  pod.metadata.labels = { app: "web" };
  await fake.pods.create(pod);
  said(t, await edit("pod", "web"), { stdout: "pod/web edited\n", stderr: "" });
  t.same(fake.pods.get("default", "web").metadata.labels, { app: "db", tier: "1" });
  t.match(seen(0), /^# Please edit .*\n#\napiVersion: v1\nkind: Pod\nmetadata:\n/s);
  t.notMatch(seen(0), /managedFields/);
  said(t, await edit("pod", "web"), { stdout: "pod/web edited\n" });
  t.equal(fake.pods.get("default", "web").spec.terminationGracePeriodSeconds, 8, "numbers are read as in manifests");
});

t.test("what is not saved, or saved as it was, or empty, changes nothing", async (t) => {
  const { fake, edit, folder } = await makeEditor(
    t,
    "",
    `sed -i 's/^kind: Pod/kind:  Pod  # as it was/' "$1"`,
    `: > "$1"`,
    `sed -i s/a/b/ "$1"; exit 3`,
    "exit 3",
  );
  await fake.pods.create(makePod("web"));
  const before = JSON.stringify(fake.pods.get("default", "web"));
  said(t, await edit("pod", "web"), { stdout: "", stderr: "Edit cancelled, no changes made.\n" });
  said(t, await edit("pod/web"), { stderr: "Edit cancelled, no changes made.\n" });
  said(t, await edit("po", "web"), { stderr: "Edit cancelled, saved file was empty.\n" });
  const failed = await edit("pod", "web");
  said(t, failed, {
    code: 1,
    stderr:
      /^A copy of your changes has been stored to ".*edit\.yaml"\nerror: there was a problem with the editor "sh /,
  });
  t.ok(existsSync(/"(.*)"\n/.exec(failed.stderr)?.[1] ?? ""));
  said(t, await edit("pod", "web"), { code: 1, stderr: /^error: there was a problem with the editor/ });
  t.equal(JSON.stringify(fake.pods.get("default", "web")), before);
  const nowhere = await runCommand(fake, ["edit", "pod", "web"], {
    env: { KUBE_EDITOR: "no-such-editor", TMPDIR: folder },
  });
  said(t, nowhere, { code: 1, stderr: /error: unable to launch the editor "no-such-editor"/ });
  said(t, await edit("pod", "gone"), { code: 1, stderr: /pods "gone" not found/ });
  said(t, await edit("pods"), { code: 1, stderr: /want the name of what to edit/ });
});

t.test("what is wrong is said in the file, which opens anew; left as it is, a copy stays", async (t) => {
  const { fake, edit, seen } = await makeEditor(
    t,
    `sed -i 's/^  name: cm/  name: cm\\n  nmae: x/' "$1"`,
    `sed -i '/nmae/d; s/^data:/data: [/' "$1"`,
    `sed -i 's/^data: .*/data:/; s/key: one/key: two/' "$1"`,
    `sed -i 's/^data:/datum:/' "$1"`,
    "",
  );
  const cm = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "cm" }, data: { key: "one" } };
  fake.objects.ensureNamespaces(["default"]);
  said(t, await runCommand(fake, ["apply", "-f", "-"], { input: JSON.stringify(cm) }), { stdout: /created/ });
  said(t, await edit("cm", "cm"), {
    stdout: "configmap/cm edited\n",
    stderr: 'error: configmaps "cm" is invalid\nerror: configmaps "cm" can\'t be read\n',
  });
  t.match(
    seen(1),
    /\n#\n# configmaps "cm" was not valid:\n# \* metadata\.nmae: unknown field; did you mean "name"\?\n#\napiVersion/,
  );
  t.match(seen(2), /\n#\n# The edited file had a syntax error: .*\n#\napiVersion/);
  t.same(fake.objects.get("ConfigMap", "default", "cm").data, { key: "two" });
  const given = await edit("cm", "cm");
  said(t, given, {
    code: 1,
    stderr:
      /error: configmaps "cm" is invalid\nA copy of your changes .*\nerror: Edit cancelled, no valid changes were saved\.\n/,
  });
  t.match(readFileSync(/stored to "(.*)"/.exec(given.stderr)?.[1] ?? "", "utf8"), /^datum:/m);
  t.same(fake.objects.get("ConfigMap", "default", "cm").data, { key: "two" });
});

t.test("the node is edited, and an object of a file, as JSON", async (t) => {
  const { fake, edit, seen } = await makeEditor(
    t,
    `sed -i 's/^    disk: ssd/    disk: hdd/' "$1"`,
    `sed -i 's/"disk": "hdd"/"disk": "nvme"/' "$1"`,
  );
  said(t, await edit("node", "node"), { stdout: "node/node edited\n" });
  t.equal(fake.node.node.metadata.labels["disk"], "hdd");
  said(t, await edit("nodes/node", "-o", "json"), { stdout: "node/node edited\n" });
  t.match(seen(1), /^#.*\n\{\n/s);
  t.equal(fake.node.node.metadata.labels["disk"], "nvme");
});
