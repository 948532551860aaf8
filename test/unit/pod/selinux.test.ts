import t from "tap";
import { containerSeLinux, labelOwner, podSeLinux, refuseSeLinux } from "../../../src/pod/selinux.ts";
import { volumeSources } from "../../../src/pod/volumes.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { makePod, NO_CLAIMS } from "./fixtures.ts";

const POD_OPTIONS = { user: "a_u", level: "s0:c1,c2" };

const pod = makePod({
  securityContext: { seLinuxOptions: POD_OPTIONS },
  initContainers: [{ name: "init", image: "x", volumeMounts: [{ name: "second", mountPath: "/b" }] }],
  containers: [
    { name: "plain", image: "x", volumeMounts: [{ name: "first", mountPath: "/a" }] },
    {
      name: "own",
      image: "x",
      securityContext: { seLinuxOptions: { type: "b_t", role: "" } },
      volumeMounts: [
        { name: "first", mountPath: "/a" },
        { name: "second", mountPath: "/b" },
      ],
    },
    { name: "none", image: "x", securityContext: { seLinuxOptions: {} } },
  ],
  volumes: [
    { name: "first", emptyDir: {} },
    { name: "second", emptyDir: {} },
    { name: "unused", emptyDir: {} },
    { name: "memory", emptyDir: { medium: "Memory" } },
    { name: "host", hostPath: { path: "/" } },
  ],
});
const containerOf = ({ spec }: Pod, wanted: string) => spec.containers.find(({ name }) => name === wanted);

t.test("a container's options take the place of the pod's, all of them", async (t) => {
  t.strictSame(podSeLinux(pod), { seLinux: POD_OPTIONS });
  t.strictSame(containerSeLinux(pod, containerOf(pod, "plain")), { seLinux: POD_OPTIONS });
  t.strictSame(containerSeLinux(pod, containerOf(pod, "own")), { seLinux: { type: "b_t" } });
  t.strictSame(containerSeLinux(pod, containerOf(pod, "none")), {});
  t.strictSame(podSeLinux(makePod({ securityContext: { seLinuxOptions: { level: "" } } })), {});
});

t.test("a volume is labelled for the container that mounts it first", async (t) => {
  t.equal(labelOwner(pod, "first")?.name, "plain");
  t.equal(labelOwner(pod, "second")?.name, "init");
  t.equal(labelOwner(pod, "unused"), undefined);
});

t.test("a kubelet relabels volumes of the pod's own, and none of the host's", async (t) => {
  const relabelled = [...volumeSources(pod, { claims: NO_CLAIMS, config: { root: "/r" } })].map(
    ([name, { relabel }]) => [name, relabel],
  );
  t.strictSame(Object.fromEntries(relabelled), { first: true, second: true, unused: true, memory: false, host: false });
});

t.test("a machine without SELinux refuses each place that asks for a label, by its field", async (t) => {
  t.throws(() => refuseSeLinux(pod, false), {
    code: "InvalidObject",
    details: {
      problems: [
        /^spec\.securityContext\.seLinuxOptions: SELinux is not enabled in the kernel of this machine.*remove the field$/,
        /^spec\.containers\[1\]\.securityContext\.seLinuxOptions: /,
      ],
    },
  });
  t.doesNotThrow(() => refuseSeLinux(pod, true));
  t.doesNotThrow(() => refuseSeLinux(makePod({ securityContext: { seLinuxOptions: { level: "" } } }), false));
  t.doesNotThrow(() => refuseSeLinux(makePod({ securityContext: { seLinuxChangePolicy: "Recursive" } }), false));
});
