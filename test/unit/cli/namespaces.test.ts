import t from "tap";
import { runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("namespaces are created, listed, shown and described as kubectl does", async (t) => {
  const fake = await startFake(t);
  const run = (...argv: string[]) => runCommand(fake, argv);
  said(t, await run("get", "ns"), { stdout: "", stderr: "No resources found\n" });
  said(t, await run("create", "namespace", "x"), { stdout: "namespace/x created\n" });
  said(t, await run("create", "ns", "y", "-o", "name"), { stdout: "namespace/y\n" });
  said(t, await run("create", "ns", "x"), {
    code: 1,
    stderr: 'Error from server (AlreadyExists): namespaces "x" already exists\n',
  });
  said(t, await run("create", "ns"), { code: 1, stderr: /takes exactly one NAME, and got 0/ });
  said(t, await run("create", "ns", "A_b"), { code: 1, stderr: /metadata\.name/ });
  said(t, await run("get", "namespaces", "-A"), {
    stdout: /^NAME {3}STATUS {3}AGE\nx {6}Active {3}\ds\ny {6}Active {3}\ds\n$/,
  });
  const { stdout } = await run("get", "ns", "x", "-o", "json");
  t.match(JSON.parse(stdout), {
    metadata: { name: "x", labels: { "kubernetes.io/metadata.name": "x" } },
    status: { phase: "Active" },
  });
  t.notMatch(JSON.parse(stdout), { metadata: { namespace: String } }, "it lies in none");
  said(t, await run("describe", "ns", "x"), {
    stdout:
      /^Name: +x\nLabels: +kubernetes\.io\/metadata\.name=x\nAnnotations: +<none>\nStatus: +Active\n\nNo resource quota\.\n\nNo LimitRange resource\.\n$/,
  });
  const dry = await run("create", "ns", "z", "--dry-run=client", "-o", "yaml");
  t.notMatch(dry.stdout, "namespace:");
  said(t, await run("get", "ns", "z"), { code: 1, stderr: 'Error from server (NotFound): namespaces "z" not found\n' });
});

t.test(
  "a namespace and what is in it may be applied at once; one that is missing refuses what is to go there",
  async (t) => {
    const fake = await startFake(t);
    const secret = (at: string) => `apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: ${at}\n`;
    const missing = await runCommand(fake, ["apply", "-f", "-"], { input: secret("x") });
    said(t, missing, { code: 1, stderr: 'Error from server (NotFound): namespaces "x" not found\n' });
    const both = `${secret("x")}---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n`;
    for (const verb of ["created", "unchanged"])
      said(t, await runCommand(fake, ["apply", "-f", "-"], { input: both }), {
        stdout: `namespace/x ${verb}\nsecret/s ${verb}\n`,
      });
    said(t, await runCommand(fake, ["apply", "-n", "x", "-f", "-"], { input: both }), { code: 0 });
    const labelled = both.replace("kind: Namespace\nmetadata:\n", "kind: Namespace\nmetadata:\n  labels: {a: b}\n");
    said(t, await runCommand(fake, ["apply", "-f", "-"], { input: labelled }), { stdout: /namespace\/x configured\n/ });
    const wrong = both.replace("  name: x\n", "  name: x\n  namespace: default\n");
    said(t, await runCommand(fake, ["apply", "-f", "-"], { input: wrong }), {
      code: 1,
      stderr: /standard input:11: metadata\.namespace: has no meaning/,
    });
  },
);

t.test("delete waits until a namespace is gone, unless it is told not to", async (t) => {
  const fake = await startFake(t);
  await runCommand(fake, ["create", "ns", "x"]);
  said(t, await runCommand(fake, ["delete", "ns", "x", "--wait=false"]), { stdout: 'namespace "x" deleted\n' });
  said(t, await runCommand(fake, ["get", "ns", "x", "--no-headers"]), { stdout: /^x {3}Terminating {3}/ });
  said(t, await runCommand(fake, ["delete", "ns", "x", "--timeout=100ms"]), {
    code: 1,
    stderr: 'error: timed out waiting for namespace "x" to be deleted\n',
  });
  const waiting = runCommand(fake, ["delete", "ns", "x"]);
  // Asked for by the command itself, before it waits.
  const asked = Promise.withResolvers<void>();
  fake.objects.get = new Proxy(fake.objects.get, {
    apply: (get, self, words) => {
      setTimeout(asked.resolve, 100);
      return Reflect.apply(get, self, words);
    },
  });
  await asked.promise;
  fake.objects.removeNamespace("x");
  said(t, await waiting, { stdout: 'namespace "x" deleted\n' });
  said(t, await runCommand(fake, ["get", "ns", "x"]), { code: 1, stderr: /not found/ });
  said(t, await runCommand(fake, ["delete", "ns", "default"]), { code: 1, stderr: /NotFound/ });
});
