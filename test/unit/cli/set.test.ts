import t from "tap";
import { makePod, runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("set image changes the images of the containers that it names", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web", ["nginx", "proxy"]));
  await fake.pods.create(makePod("db"));
  const set = (...argv: string[]) => runCommand(fake, ["set", "image", ...argv]);
  const images = (name: string) => fake.pods.get("default", name).spec.containers.map(({ image }) => image);
  said(t, await set("pod/web", "nginx=nginx:1.29"), { stdout: "pod/web image updated\n" });
  t.same(images("web"), ["nginx:1.29", "podrun.local/base"]);
  said(t, await set("pod", "web", "nginx=nginx:1.29"), { stdout: "", stderr: "" });
  said(t, await set("pods", "--all", "*=x:1", "--dry-run=server"), {
    stdout: "pod/web image updated (server dry run)\npod/db image updated (server dry run)\n",
  });
  t.same(images("db"), ["podrun.local/base"]);
  said(t, await set("pods", "--all", "*=x:1"), { stdout: "pod/web image updated\npod/db image updated\n" });
  t.same([...images("web"), ...images("db")], ["x:1", "x:1", "x:1"]);
  said(t, await set("pod/web", "gone=x"), { code: 1, stderr: /^error: unable to find container named "gone"/ });
  said(t, await set("pod/web"), { code: 1, stderr: /at least one image update is required/ });
  said(t, await set("pod/web", "nginx="), { code: 1, stderr: /want CONTAINER=IMAGE/ });
  said(t, await set("node/node", "a=b"), { code: 1, stderr: /nodes\/node has no containers/ });
  said(t, await set("pod/gone", "a=b"), { code: 1, stderr: /pods "gone" not found/ });
});

t.test("set env lists variables", async (t) => {
  const fake = await startFake(t);
  const pod = makePod("web", ["nginx", "proxy"]);
  const [first] = pod.spec.containers;
  if (first)
    first.env = [
      { name: "A", value: "b" },
      { name: "C", valueFrom: { configMapKeyRef: { name: "cm", key: "c" } } },
      { name: "IP", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "status.podIP" } } },
    ];
  await fake.pods.create(pod);
  const env = (...argv: string[]) => runCommand(fake, ["set", "env", ...argv]);
  said(t, await env("pod/web", "--list", "-c", "nginx"), {
    stdout: "# pods web, container nginx\nA=b\n# C from configmap cm, key c\n# IP from field path status.podIP\n",
  });
  said(t, await env("pod/web", "--list"), { stdout: /# pods web, container proxy\n$/ });
  said(t, await env("pod/web"), { code: 1, stderr: /at least one environment variable must be provided/ });
});
