// top: what pods and the machine use, against the kernel's own accounts.
import t from "tap";
import { makeManifest, startInstance } from "./support/podrun.ts";

t.setTimeout(300_000);

/** Rows of a table by their first cell. */
const rowsOf = (text: string) =>
  new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line) => [line.split(/\s+/)[0] ?? "", line.split(/\s+/).slice(1)] as const),
  );

t.test("a container that works and one that holds memory are told from idle ones", async (t) => {
  const podrun = startInstance(t);
  const command = (text: string) => ["sh", "-c", text];
  const volumes = [{ name: "v", emptyDir: { medium: "Memory" } }];
  const volumeMounts = [{ name: "v", mountPath: "/v" }];
  await podrun.start(
    makeManifest("busy", [{ name: "works", command: command("while :; do :; done") }, { name: "idle" }]),
    makeManifest("holds", [{ name: "main", volumeMounts }], { volumes }),
  );
  await podrun.ok("exec", "holds", "--", "sh", "-c", "head -c 50000000 /dev/zero >/v/file");
  const pods = rowsOf(await podrun.ok("top", "pod"));
  t.same(pods.get("NAME"), ["CPU(cores)", "MEMORY(bytes)"]);
  const [cpu = "", memory = ""] = pods.get("busy") ?? [];
  t.match(cpu, /^\d+m$/);
  t.match(memory, /^\d+Mi$/);
  t.ok(Number.parseInt(cpu, 10) >= 50, `${cpu} of a loop without end`);
  t.ok(Number.parseInt(pods.get("holds")?.[1] ?? "", 10) >= 47, "what is in a volume of memory counts");
  const lines = (await podrun.ok("top", "pod", "busy", "--containers", "--sort-by=cpu", "--no-headers"))
    .trimEnd()
    .split("\n");
  t.match(lines[0], /^busy +works +\d+m +\d+Mi$/);
  t.match(lines[1], /^busy +idle +[0-9]m +\d+Mi$/);
  const all = await podrun.ok("top", "pods", "-A", "--containers");
  t.match(all, /^NAMESPACE +POD +NAME +CPU\(cores\) +MEMORY\(bytes\)\ndefault +busy +works /);
});

t.test("the machine's row is within what it has", async (t) => {
  const podrun = startInstance(t);
  const text = await podrun.ok("top", "node");
  const row =
    /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\)\n\S+ +(\d+)m +(\d+)% +(\d+)Mi +(\d+)%\n$/.exec(text);
  t.ok(row, text);
  t.ok(Number(row?.[2]) <= 101 && Number(row?.[4]) <= 100, text);
});

t.test("what does not run or is not there is said", async (t) => {
  const podrun = startInstance(t);
  t.match(await podrun.podrun("top", "pod"), {
    code: 0,
    stdout: "",
    stderr: "No resources found in default namespace.\n",
  });
  await podrun.apply(makeManifest("done", [{ name: "main", command: ["true"] }], { restartPolicy: "Never" }));
  await podrun.untilPod("done", ({ status }) => status.phase === "Succeeded");
  for (const [words, ...argv] of [
    [/podmetrics.metrics.k8s.io "default\/done" not found/, "pod", "done"],
    [/pods "none" not found/, "pod", "none"],
    [/nodes "none" not found/, "node", "none"],
    [/accepts only cpu or memory/, "pod", "--sort-by=size"],
    [/only one of NAME or --selector/, "pod", "done", "-l", "a=b"],
    [/unknown command "top images"/, "images"],
  ] as const)
    t.match(await podrun.podrun("top", ...argv), { code: 1, stderr: words }, argv.join(" "));
});
