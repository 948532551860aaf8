// What an image's config says is honoured in its containers, and shown.
import t, { type Test } from "tap";
import { busyboxLayer, nginx } from "./support/images.ts";
import { makeManifest, startInstance, until } from "./support/podrun.ts";
import { pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/tar.ts";

async function setUp(t: Test) {
  const registry = await startRegistry(t);
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  return { registry, podrun };
}

/** A container without a command of its own: the image's counts. */
const pod = (name: string, image: string, more: object = {}) => ({
  ...makeManifest(name, []),
  spec: { terminationGracePeriodSeconds: 0, restartPolicy: "Never", containers: [{ name: "main", image, ...more }] },
});

/** `env`, `id` and so on, as the container's own output. */
const SHOW = "echo args $0 $@; id; pwd; echo path $PATH; echo own $OWN";

t.test(
  "Entrypoint, Cmd, Env and WorkingDir of an image run, and a pod's command and args take their place",
  async (t) => {
    const { registry, podrun } = await setUp(t);
    const config = {
      Entrypoint: ["/bin/sh", "-c", SHOW, "entry"],
      Cmd: ["cmd 1", "cmd2"],
      Env: ["PATH=/bin:/odd", "OWN=image's = own"],
      WorkingDir: "/work/in/here",
    };
    const { reference } = await pushImage(registry, { name: "config", layers: [busyboxLayer()], config });
    const cases: readonly (readonly [string, object, RegExp])[] = [
      ["as-it-is", {}, /^args entry cmd 1 cmd2\n.*\n\/work\/in\/here\npath \/bin:\/odd\nown image's = own\n$/],
      ["args", { args: ["mine"] }, /^args entry mine\n/],
      ["command", { command: ["/bin/sh", "-c", SHOW, "other"] }, /^args other\n/],
      ["both", { command: ["/bin/sh", "-c", SHOW], args: ["a", "b"] }, /^args a b\n/],
      ["env", { env: [{ name: "OWN", value: "pod's" }] }, /\nown pod's\n$/],
      ["folder", { workingDir: "/tmp" }, /\n\/tmp\n/],
    ];
    for (const [name, more, wanted] of cases) {
      await podrun.apply(pod(name, reference, more));
      await podrun.untilPod(name, ({ status }) => status.phase === "Succeeded");
      t.match(await podrun.ok("logs", name), wanted, name);
    }
  },
);

t.test("User of an image: a name, a number, with a group by name or number", async (t) => {
  const { registry, podrun } = await setUp(t);
  const users: readonly (readonly [user: string, shown: RegExp])[] = [
    ["", /^uid=0\(root\) gid=0\(root\)/],
    ["app", /^uid=1000\(app\) gid=2000\(app\) groups=2000\(app\),2001\(extra\),2002\(more\)/],
    ["1000", /^uid=1000\(app\) gid=2000\(app\)/],
    ["app:web", /^uid=1000\(app\) gid=33\(web\)/],
    ["1000:33", /^uid=1000\(app\) gid=33\(web\)/],
    ["app:4711", /^uid=1000\(app\) gid=4711/],
    ["5555", /^uid=5555 gid=0/],
    ["5555:6666", /^uid=5555 gid=6666/],
  ];
  for (const [index, [user, shown]] of users.entries()) {
    const config = { User: user, Cmd: ["/bin/id"] };
    const { reference } = await pushImage(registry, { name: `user-${index}`, layers: [busyboxLayer()], config });
    await podrun.apply(pod(`user-${index}`, reference));
    await podrun.untilPod(`user-${index}`, ({ status }) => status.phase === "Succeeded");
    t.match(await podrun.ok("logs", `user-${index}`), shown, user);
  }
  const config = { User: "nobody-knows", Cmd: ["/bin/id"] };
  const { reference } = await pushImage(registry, { name: "unknown", layers: [busyboxLayer()], config });
  await podrun.apply(pod("unknown", reference));
  const bad = await podrun.untilPod("unknown", ({ status }) => {
    return status.containerStatuses?.[0]?.state?.waiting?.message !== undefined;
  });
  t.match(bad.status.containerStatuses?.[0]?.state?.waiting?.message, /nobody-knows/);
});

t.test("Volumes of an image are folders that hold what the image has there, and are written in no layer", async (t) => {
  const { registry, podrun } = await setUp(t);
  const data = rawTar([
    { name: "data/", uid: 1000, gid: 2000, mode: 0o750 },
    { name: "data/from-image", content: "kept\n", uid: 1000 },
  ]);
  const config = { Volumes: { "/data": {}, "/none/such": {} }, Cmd: ["/bin/sleep", "100000"] };
  const { reference } = await pushImage(registry, { name: "volumes", layers: [busyboxLayer(), data], config });
  await podrun.start(makeManifest("v", [{ name: "main", image: reference, command: ["/bin/sleep", "100000"] }]));
  t.equal(await podrun.ok("exec", "v", "--", "/bin/cat", "/data/from-image"), "kept\n");
  t.equal(await podrun.ok("exec", "v", "--", "/bin/stat", "-c", "%u %g %a", "/data"), "1000 2000 750\n");
  const mounts = await podrun.ok("exec", "v", "--", "/bin/cat", "/proc/self/mountinfo");
  for (const path of ["/data", "/none/such"]) t.ok(mounts.includes(` ${path} `), `${path} is a mount`);
});

t.test("StopSignal of an image is what its container is stopped with", async (t) => {
  const { registry, podrun } = await setUp(t);
  for (const signal of ["SIGUSR1", "12"]) {
    const trap = (name: string): string => `trap 'echo got ${name}; exit 0' ${name}`;
    const script = `${["TERM", "USR1", "USR2"].map(trap).join("; ")}; echo ready; while :; do sleep 0.1; done`;
    const config = { StopSignal: signal, Env: ["PATH=/bin"], Cmd: ["/bin/sh", "-c", script] };
    const name = `stop-${signal.toLowerCase()}`;
    const { reference } = await pushImage(registry, { name, layers: [busyboxLayer()], config });
    await podrun.apply(pod(name, reference));
    await until(async () => (await podrun.podrun("logs", name)).stdout.includes("ready"));
    const log = podrun.run(["logs", "-f", name]);
    await podrun.ok("delete", "pod", name, "--grace-period=20");
    t.match((await log).stdout, signal === "12" ? /got USR2/ : /got USR1/, signal);
  }
});

t.test("Labels, ExposedPorts and the rest of a config are shown as the image has them", async (t) => {
  const { registry, podrun } = await setUp(t);
  const config = {
    Labels: { "org.example.a": "1", empty: "" },
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    User: "app",
    StopSignal: "SIGQUIT",
    Env: ["A=b"],
    Cmd: ["true"],
    Healthcheck: { Test: ["CMD", "true"] },
  };
  const image = await pushImage(registry, { name: "labels:2", layers: [busyboxLayer()], config });
  await podrun.ok("pull", image.reference);
  const [shown] = JSON.parse(await podrun.ok("inspect-image", image.reference)) as object[];
  t.match(shown, {
    Id: image.id,
    RepoTags: [image.reference],
    RepoDigests: [`${registry.host}/labels@${image.manifest.digest}`],
    Config: config,
    RootFS: { Type: "layers", Layers: image.diffIds },
    Labels: config.Labels,
    Os: "linux",
  });
});

t.test("an nginx from a registry serves, as its image says", async (t) => {
  const { registry, podrun } = await setUp(t);
  const { reference } = await pushImage(registry, { name: "nginx", ...nginx() });
  const server = pod("web", reference);
  await podrun.start(server);
  const { status } = await podrun.pod("web");
  const address = (status as { podIP?: string }).podIP ?? "";
  const get = async (): Promise<boolean> => {
    const answer = await fetch(`http://${address}/`).catch(() => undefined);
    return answer !== undefined && (await answer.text()) === "served by nginx\n";
  };
  await until(get, 20_000);
});

t.test("/ has the owner and the mode that the image gives it", async (t) => {
  const { registry, podrun } = await setUp(t);
  const root = rawTar([{ name: "./", mode: 0o711, uid: 1000, gid: 2000 }]);
  const { reference } = await pushImage(registry, { name: "top", layers: [busyboxLayer(), root], config: {} });
  const command = ["/bin/sh", "-c", "stat -c '%a %u %g' /"];
  await podrun.apply(pod("top", reference, { command }));
  await podrun.untilPod("top", ({ status }) => status.phase === "Succeeded");
  t.equal(await podrun.ok("logs", "top"), "711 1000 2000\n");
});
