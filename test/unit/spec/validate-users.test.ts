import t, { type Test } from "tap";
import { pod, problemsOf, type RawPod, rawPod } from "./pods.ts";

/** Each case: a bent pod and the beginning of its only problem. */
function refuses(t: Test, cases: readonly (readonly [RawPod, string])[]): void {
  for (const [parts, start] of cases) {
    const problems = problemsOf(rawPod(parts));
    t.equal(problems.length, 1, `${start}: ${problems.join(" | ")}`);
    t.ok(problems[0]?.startsWith(start), `${problems[0]} starts with ${start}`);
  }
}

const own = (spec: object = {}, container: object = {}): RawPod => ({ spec: { hostUsers: false, ...spec }, container });

t.test("a user namespace of its own and the host's other namespaces exclude one another", async (t) => {
  refuses(t, [
    [own({ hostNetwork: true }), "spec.hostNetwork: Forbidden: when `hostUsers` is false"],
    [own({ hostPID: true }), "spec.hostPID: Forbidden: when `hostUsers` is false"],
    [own({ hostIPC: true }), "spec.hostIPC: Forbidden: when `hostUsers` is false"],
  ]);
  for (const spec of [{}, { hostNetwork: false, hostPID: false, hostIPC: false }, { shareProcessNamespace: true }])
    t.doesNotThrow(() => pod(own(spec)), JSON.stringify(spec));
  t.doesNotThrow(() => pod({ spec: { hostUsers: true, hostNetwork: true } }));
});

t.test("procMount Unmasked needs hostUsers: false, in every kind of container", async (t) => {
  const securityContext = { procMount: "Unmasked" };
  const words = '"Unmasked": `hostUsers` must be false to use `Unmasked`';
  refuses(t, [
    [{ container: { securityContext } }, `spec.containers[0].securityContext.procMount: ${words}`],
    [
      { spec: { hostUsers: true }, container: { securityContext } },
      `spec.containers[0].securityContext.procMount: ${words}`,
    ],
    [
      { spec: { initContainers: [{ name: "i", image: "a", securityContext }] } },
      `spec.initContainers[0].securityContext.procMount: ${words}`,
    ],
  ]);
  t.doesNotThrow(() => pod(own({}, { securityContext })));
  t.doesNotThrow(() => pod({ container: { securityContext: { procMount: "Default" } } }));
});

t.test("ids that such a pod has not are refused where they stand, and the last one is taken", async (t) => {
  const text = "65536 is none of the pod's ids: with hostUsers: false they are 0 to 65535";
  refuses(t, [
    [own({ securityContext: { runAsUser: 65_536 } }), `spec.securityContext.runAsUser: ${text}`],
    [own({ securityContext: { runAsGroup: 65_536 } }), `spec.securityContext.runAsGroup: ${text}`],
    [own({ securityContext: { fsGroup: 65_536 } }), `spec.securityContext.fsGroup: ${text}`],
    [
      own({ securityContext: { supplementalGroups: [1, 65_536] } }),
      `spec.securityContext.supplementalGroups[1]: ${text}`,
    ],
    [own({}, { securityContext: { runAsUser: 65_536 } }), `spec.containers[0].securityContext.runAsUser: ${text}`],
    [own({}, { securityContext: { runAsGroup: 65_536 } }), `spec.containers[0].securityContext.runAsGroup: ${text}`],
  ]);
  t.doesNotThrow(() => pod(own({ securityContext: { runAsUser: 65_535, fsGroup: 65_535 } })));
  t.doesNotThrow(() => pod({ spec: { securityContext: { runAsUser: 65_536 } } }));
});

t.test("mounts can't be given to the host from another user namespace, but taken from it", async (t) => {
  const mounting = (mountPropagation: string): RawPod =>
    own(
      { volumes: [{ name: "v", hostPath: { path: "/v" } }] },
      {
        securityContext: { privileged: true },
        volumeMounts: [{ name: "v", mountPath: "/v", mountPropagation }],
      },
    );
  refuses(t, [
    [
      mounting("Bidirectional"),
      "spec.containers[0].volumeMounts[0].mountPropagation: Bidirectional can't be had with hostUsers: false",
    ],
  ]);
  t.doesNotThrow(() => pod(mounting("HostToContainer")));
});
