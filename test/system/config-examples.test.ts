// The examples about configuration, as they are in examples/.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startInstance, until } from "./support/podrun.ts";

const FOLDER = join(import.meta.dirname, "../../examples");

t.test("each example of configuration runs, and shows its objects when they come", async (t) => {
  const podrun = startInstance(t);
  for (const name of ["config-map", "secret-volume", "downward-api", "projected-volume", "sub-path", "image-volume"]) {
    const { code, stderr } = await podrun.apply(readFileSync(join(FOLDER, `${name}.yaml`), "utf8"));
    t.equal(code, 0, stderr);
    await podrun.untilPod(name, ({ status }) => status.phase === "Running");
  }
  const see = (pod: string, script: string) => podrun.ok("exec", pod, "--", "sh", "-c", script);
  await podrun.ok("create", "cm", "web", "--from-literal=greeting=hello");
  await podrun.ok("create", "secret", "generic", "login", "--from-literal=user=me");
  await podrun.ok("create", "secret", "generic", "token", "--from-literal=token=secret");
  await until(async () => (await see("config-map", "cat /etc/web/greeting || true")) === "hello");
  await until(async () => (await see("secret-volume", "cat /etc/login/user || true")) === "me");
  await until(async () => (await see("projected-volume", "cat /etc/all/secrets/token || true")) === "secret");
  t.match(
    await see("downward-api", "cat /etc/pod/labels; echo; cat /etc/pod/limits/cpu; echo $MEMORY_MIB"),
    /app="demo"\ntier="front"\n50064\n/,
  );
  t.match(await podrun.ok("exec", "sub-path", "-c", "two", "--", "ls", "/all/sub-path/one"), /started/);
});

t.test(
  "a plan shows what volumes get, but not what it is, and fails for what is missing as a start would",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.ok("create", "secret", "generic", "key", "--from-literal=word=s3cr3t");
    const pod = (name: string) =>
      `apiVersion: v1\nkind: Pod\nmetadata:\n  name: planned\nspec:\n  containers:\n  - name: main\n    image: podrun.local/base\n    volumeMounts:\n    - name: v\n      mountPath: /v\n      subPath: word\n  volumes:\n  - name: v\n    secret:\n      secretName: ${name}\n`;
    const plan = await podrun.run(["plan", "-f", "-"], { input: pod("key") });
    t.match(plan, { code: 0, stdout: /write 6 bytes to \/\.\.<time>\/word/ });
    t.match(plan.stdout, /rename .* to \/\.\.data/);
    t.notMatch(plan.stdout, /s3cr3t/);
    t.match(await podrun.run(["plan", "-f", "-"], { input: pod("none") }), {
      code: 1,
      stderr: /volume "v": secret "none" not found/,
    });
  },
);
