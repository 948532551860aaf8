// The examples that have no test of their own elsewhere, as they are in examples/ (test/unit/scripts/examples.test.ts sees to it
// that each is somewhere), and what podrun says to those in examples/errors.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isReady, startInstance, until } from "./support/podrun.ts";

const ROOT = join(import.meta.dirname, "../..");
const example = (name: string): string => join(ROOT, "examples", `${name}.yaml`);

t.test("the plain examples run and do what their first lines say", async (t) => {
  const podrun = startInstance(t);
  const names = ["hello", "limits", "shared-folder", "shared-processes", "shell", "names"];
  const files = ["hello-pod", ...names.slice(1)];
  await podrun.ok("apply", ...files.flatMap((name) => ["-f", example(name)]));
  for (const name of names) await podrun.untilPod(name, isReady);
  const logged = async (pod: string, container: string, pattern: RegExp) =>
    until(async () => pattern.test(await podrun.ok("logs", pod, "-c", container)));
  await logged("hello", "client", /^Hello from hello$/m);
  await logged("limits", "worker", /^67108864\n25000/m);
  await logged("shared-folder", "reader", /\d\d:\d\d:\d\d/);
  t.match(await podrun.ok("exec", "shared-processes", "-c", "debug", "--", "ps"), /app\s+sleep 1000000/);
  t.equal(
    await podrun.ok("exec", "shell", "--", "sh", "-c", "hostname; echo $GREETING"),
    "playground\nwelcome to the playground\n",
  );
  const full = "web-1.frontend.default.svc.cluster.local";
  const { status } = await podrun.pod("names");
  t.equal(
    await podrun.ok("exec", "names", "--", "sh", "-c", "hostname; cat /etc/hostname; grep web-1 /etc/hosts"),
    `${full}\n${full}\n${(status.podIPs ?? []).map(({ ip }) => `${ip}\t${full}\tweb-1\n`).join("")}`,
  );
});

t.test("what is wrong in examples/errors is refused with file and line, as the README shows it", async (t) => {
  const podrun = startInstance(t);
  const files = globSync("examples/errors/*.yaml", { cwd: ROOT });
  t.ok(files.length > 0);
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  for (const file of files) {
    const { code, stdout, stderr } = await podrun.podrun("apply", "-f", join(ROOT, file));
    t.equal(code, 1, file);
    t.equal(stdout, "", file);
    const said = stderr.replaceAll(`${ROOT}/`, "");
    t.ok(
      said.split("\n").every((line) => line === "" || /^(error: )?examples\/errors\/[\w-]+\.yaml:\d+: /.test(line)),
      said,
    );
    t.ok(readme.includes(`$ podrun apply -f ${file}\n${said}`), said);
  }
  t.same(await podrun.pods(), []);
});
