import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makePod, runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test(
  "patch changes an object with each kind of patch, in JSON or YAML, and says when nothing has changed",
  async (t) => {
    const fake = await startFake(t);
    await fake.pods.create(makePod("web"));
    const patch = (...argv: string[]) => runCommand(fake, ["patch", "pod", "web", ...argv]);
    const labels = () => fake.pods.get("default", "web").metadata.labels;
    said(t, await patch("-p", '{"metadata":{"labels":{"a":"1"}}}'), { stdout: "pod/web patched\n" });
    said(t, await patch("-p", "metadata: {labels: {a: '1'}}"), { stdout: "pod/web patched (no change)\n" });
    said(t, await patch("--type=merge", "-p", '{"metadata":{"labels":{"b":"2"}}}'), { stdout: "pod/web patched\n" });
    const file = join(t.testdir(), "patch.json");
    writeFileSync(file, '[{"op":"remove","path":"/metadata/labels/a"}]');
    said(t, await patch("--type", "json", "--patch-file", file, "-o", "name"), { stdout: "pod/web\n" });
    t.same(labels(), { b: "2" });
    said(t, await patch("--dry-run=server", "-p", '{"metadata":{"labels":{"b":"3"}}}'), {
      stdout: "pod/web patched (server dry run)\n",
    });
    t.same(labels(), { b: "2" });
  },
);

t.test("what is no patch, or of nothing, is refused", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web"));
  for (const [argv, stderr] of [
    [["pod", "web"], /must specify --patch or --patch-file/],
    [["pod", "-p", "{}"], /resource name may not be empty/],
    [["pod", "web", "--type=x", "-p", "{}"], /--type must be one of \[json merge strategic\], not "x"/],
    [["pod", "web", "--subresource=scale", "-p", "{}"], /invalid subresource value: "scale"/],
    [["secret", "web", "--subresource=resize", "-p", "{}"], /only pods have the subresource resize/],
    [["pod", "web", "-p", "{"], /unable to parse the patch/],
    [["pod", "web", "-p", "text"], /want an object/],
    [["pod", "web", "--type=json", "-p", "{}"], /a JSON patch is a list of operations/],
    [["pod", "gone", "-p", "{}"], /pods "gone" not found/],
  ] as const)
    said(t, await runCommand(fake, ["patch", ...argv]), { code: 1, stderr });
});
