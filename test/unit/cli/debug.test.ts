import t from "tap";
import { copyPod } from "../../../src/cli/debug/debug-copy.ts";
import { nodeDebugger } from "../../../src/cli/debug/debug-node.ts";
import { DEBUG_OPTIONS, type Debug } from "../../../src/cli/debug/debug-options.ts";
import { decodePod } from "../../../src/spec/index.ts";
import { runCommand, runningPod, startFake } from "../api/fake.ts";
import { NODE } from "../api/fake-node.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const DEFAULTS = Object.fromEntries(
  Object.entries(DEBUG_OPTIONS).map(([name, option]) => [
    name,
    "default" in option ? option.default : { boolean: false, list: [], text: undefined }[option.kind as "text"],
  ]),
);
const flags = (given: object, rest?: readonly string[]) =>
  ({ options: { namespace: "default", ...DEFAULTS, ...given }, rest }) as unknown as Pick<Debug, "options" | "rest">;

const probe = { httpGet: { port: 80 } };
const pod = decodePod({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    nodeName: "here",
    initContainers: [{ name: "first", image: "one:1" }],
    containers: [
      {
        name: "app",
        image: "app:1",
        command: ["serve"],
        args: ["now"],
        livenessProbe: probe,
        readinessProbe: probe,
        securityContext: { runAsUser: 5, capabilities: { add: ["NET_RAW"] } },
      },
      { name: "side", image: "side:1" },
    ],
  },
});

t.test(
  "a copy has none of the pod's probes, labels and places, and its container runs what is asked for",
  async (t) => {
    const copy = copyPod(pod, flags({ "copy-to": "copy", container: "app", stdin: true, tty: true }, ["sh"]), "new");
    t.equal(copy.container, "app");
    const { metadata, spec } = copy.pod;
    t.match(metadata, { name: "copy", namespace: "default", labels: {} });
    t.match(spec, { shareProcessNamespace: true, initContainers: [{ name: "first" }], nodeName: undefined });
    const [app, side] = spec.containers;
    t.match(app, {
      image: "app:1",
      command: ["sh"],
      args: undefined,
      stdin: true,
      tty: true,
      livenessProbe: undefined,
    });
    t.same(app?.securityContext, { runAsUser: 5, capabilities: { add: ["NET_RAW", "SYS_PTRACE"] } });
    t.match(side, { name: "side", image: "side:1" });
  },
);

t.test("a copy may have another container, other images, and what it is to keep", async (t) => {
  const given = { "copy-to": "c", image: "tools:1", "set-image": "app=app:2,*=all:3", "keep-labels": true };
  const kept = { "keep-liveness": true, "share-processes": false, "keep-init-containers": false, profile: "legacy" };
  const { container, pod: copy } = copyPod(pod, flags({ ...given, ...kept }), "debugger-x");
  t.equal(container, "debugger-x");
  t.same(
    copy.spec.containers.map(({ name, image }) => [name, image]),
    [
      ["app", "app:2"],
      ["side", "all:3"],
      ["debugger-x", "tools:1"],
    ],
  );
  t.match(copy.spec.containers[0], { livenessProbe: { httpGet: { port: 80 } }, readinessProbe: undefined });
  t.match(copy, {
    metadata: { labels: { app: "web" } },
    spec: { shareProcessNamespace: undefined, initContainers: undefined },
  });
  t.equal(copy.spec.containers[2]?.securityContext, undefined);
  for (const [wrong, rest] of [
    [{ container: "none" }, undefined],
    [{}, ["sh"]],
    [{ "set-image": "app" }, undefined],
    [{ profile: "all" }, undefined],
  ] as const)
    t.throws(() => copyPod(pod, flags({ "copy-to": "c", ...wrong }, rest), "x"), { name: "UsageError" });
});

t.test("a node is looked into from its own namespaces, with its files below /host", async (t) => {
  const { metadata, spec } = nodeDebugger("here", flags({}, ["ps"]), "tools:1");
  t.match(metadata.name, /^node-debugger-here-[a-z0-9]{5}$/);
  t.match(spec, { nodeName: "here", hostNetwork: true, hostPID: true, hostIPC: true, restartPolicy: "Never" });
  t.match(spec.volumes, [{ hostPath: { path: "/" } }]);
  t.match(spec.containers, [{ name: "debugger", command: ["ps"], volumeMounts: [{ mountPath: "/host" }] }]);
  t.equal(spec.containers[0]?.securityContext, undefined);
  const admin = nodeDebugger("here", flags({ profile: "sysadmin" }), "tools:1").spec;
  t.same(admin.containers[0]?.securityContext, { privileged: true });
  t.match(nodeDebugger("here", flags({ profile: "restricted" }), "tools:1").spec, {
    hostPID: undefined,
    volumes: undefined,
  });
});

t.test("debug --copy-to --replace makes the copy and deletes the pod; what makes no sense is told", async (t) => {
  const fake = await startFake(t);
  const debug = (...argv: string[]) => runCommand(fake, ["debug", ...argv]);
  fake.pods.put(runningPod("web"));
  fake.pods.holdDeletes = true;
  said(t, await debug("web", "--copy-to=copy", "--replace", "--image=tools:1"), {
    stderr: /^Defaulting debug container name to debugger-[a-z0-9]{5}\.\n$/,
  });
  t.equal(fake.pods.get("default", "copy").spec.containers.length, 2);
  t.ok(fake.pods.get("default", "web").metadata.deletionTimestamp);
  const node = await debug(`node/${NODE.metadata.name}`, "--image=tools:1", "-c", "look");
  said(t, node, { stderr: /^Creating debugging pod node-debugger-.* with container look on node / });
  for (const [words, ...argv] of [
    [/--target is incompatible with --copy-to/, "web", "--copy-to=x", "--target=main"],
    [/--keep-labels may only be used with --copy-to/, "web", "--image=x", "--keep-labels"],
    [/nodes "nope" not found/, "node/nope", "--image=x"],
    [/unknown profile: all/, "web", "--image=x", "--profile=all"],
  ] as const)
    said(t, await debug(...argv), { code: 1, stderr: words });
});
