import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type FakeDaemon, runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const kept = (fake: FakeDaemon, name: string) => fake.objects.get("ConfigMap", "default", name);

t.test("create configmap takes literals, files, folders and env files; what is no text is binaryData", async (t) => {
  const fake = await startFake(t);
  const folder = join(fake.folder, "files");
  mkdirSync(folder);
  writeFileSync(join(folder, "one.txt"), "1\n");
  writeFileSync(join(folder, "bad name"), "");
  writeFileSync(join(fake.folder, "binary"), Buffer.from([0, 255]));
  writeFileSync(join(fake.folder, "env"), "# comment\nA=b=c\n");
  const flags = ["--from-literal=p=a=b", `--from-file=${folder}`, `--from-file=bin=${fake.folder}/binary`];
  const argv = ["create", "cm", "web", ...flags, `--from-env-file=${fake.folder}/env`];
  said(t, await runCommand(fake, argv), { stdout: "configmap/web created\n" });
  t.same(kept(fake, "web").data, { "one.txt": "1\n", p: "a=b", A: "b=c" });
  t.same(kept(fake, "web").binaryData, { bin: "AP8=" });
  said(t, await runCommand(fake, argv), {
    code: 1,
    stderr: 'Error from server (AlreadyExists): configmaps "web" already exists\n',
  });
});

t.test("create configmap keeps a key whatever JavaScript has under its name", async (t) => {
  const fake = await startFake(t);
  await runCommand(fake, ["create", "cm", "odd", "--from-literal=__proto__=x", "--from-literal=constructor=y"]);
  t.equal(JSON.stringify(kept(fake, "odd").data), '{"__proto__":"x","constructor":"y"}');
});

t.test("create configmap refuses no name, two names, -f, keys that are none and keys twice", async (t) => {
  const fake = await startFake(t);
  const refused = async (stderr: RegExp, ...argv: string[]) =>
    said(t, await runCommand(fake, ["create", "configmap", ...argv]), { code: 1, stderr });
  await refused(/exactly one NAME, and got 0/);
  await refused(/exactly one NAME, and got 2/, "a", "b");
  await refused(/create configmap takes no -f/, "a", "-f", "x.yaml");
  await refused(/expected KEY=VALUE/, "a", "--from-literal=b");
  await refused(/another key by that name/, "a", "--from-literal=b=1", "--from-literal=b=2");
  await refused(/not a valid key name/, "a", "--from-literal=a/b=1");
  await refused(/can't be read: ENOENT/, "a", "--from-file=/no/such/file");
  const big = join(fake.folder, "big");
  writeFileSync(big, Buffer.alloc(1024 * 1024 + 1));
  await refused(/1048576 at most/, "a", `--from-file=${big}`);
});

t.test("get, describe and delete know ConfigMaps by all their names", async (t) => {
  const fake = await startFake(t);
  const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: one}\nbinaryData: {b: AP8=}\n";
  const file = join(fake.folder, "web.yaml");
  writeFileSync(file, text);
  said(t, await runCommand(fake, ["apply", "-f", file]), { stdout: "configmap/web created\n" });
  said(t, await runCommand(fake, ["apply", "-f", file]), { stdout: "configmap/web unchanged\n" });
  for (const words of [["cm"], ["configmaps", "web"], ["ConfigMap/web"]])
    said(t, await runCommand(fake, ["get", ...words]), { stdout: /^NAME +DATA +AGE\nweb +2 / });
  said(t, await runCommand(fake, ["describe", "cm", "web"]), {
    stdout: /^Name: +web\n.*\nData\n====\na:\n----\none\n\n\nBinaryData\n====\nb: 2 bytes\n$/s,
  });
  said(t, await runCommand(fake, ["delete", "cm", "web"]), { stdout: 'configmap "web" deleted\n' });
  said(t, await runCommand(fake, ["get", "cm", "web"]), { code: 1, stderr: /configmaps "web" not found/ });
});
