// What podrun makes of a pod before anything is done: the runtime's configuration, the volumes' content, the scheduler's answers.
import type { ClaimSource } from "../../../src/pod/claims/claim-source.ts";
import { ownedVolumes } from "../../../src/pod/claims/fs-group.ts";
import { claimFor, claimOf } from "../../../src/pod/claims/pod-claims.ts";
import { buildContainerConfig } from "../../../src/pod/container-config.ts";
import type { PlacementNode } from "../../../src/pod/placement.ts";
import { Reasons } from "../../../src/pod/reasons.ts";
import { buildSandboxConfig, resolvConfFor } from "../../../src/pod/sandbox-config.ts";
import { whyNoPlace } from "../../../src/pod/schedule.ts";
import { buildContent } from "../../../src/pod/volume-content.ts";
import { volumeImages, withImages } from "../../../src/pod/volume-images.ts";
import { volumeSources } from "../../../src/pod/volumes.ts";
import {
  decodeKubeObject,
  decodePod,
  type PersistentVolume,
  type Pod,
  placedContainers,
} from "../../../src/spec/index.ts";
import { CAPACITY, IMAGE, NO_CLAIMS } from "../pod/fixtures.ts";

const FACTS = {
  nodeName: "node",
  hostAddresses: ["192.0.2.1"],
  podAddresses: ["10.77.0.2"],
  allocatable: CAPACITY,
  machineCpus: 4,
  machineMemoryBytes: 2 ** 33,
};

/** Objects `a` and `b`, each with keys `a` and `b`, all different. */
const objects = {
  find: (kind: string, _namespace: string, name: string) =>
    (name === "a" || name === "b"
      ? decodeKubeObject({
          apiVersion: "v1",
          kind,
          metadata: { name },
          [kind === "Secret" ? "stringData" : "data"]: { a: `${kind} ${name} a`, b: `${kind} ${name} b` },
        })
      : undefined) as never,
};

/** Each claim has a volume of its own name. */
const claims: ClaimSource = {
  ...NO_CLAIMS,
  volumeOf: (pod, volume) => {
    const name = claimOf(pod, volume);
    return name === undefined ? undefined : ({ spec: { local: { path: `/volumes/${name}` } } } as PersistentVolume);
  },
};

const node = (labels: Readonly<Record<string, string>>, taints: PlacementNode["taints"] = []): PlacementNode => ({
  name: "node",
  labels: { "kubernetes.io/hostname": "node", ...labels },
  taints,
});

/** Each rule has a node or neighbours that it can be told apart on. */
function placements(pod: Pod): readonly unknown[] {
  const other = (name: string, namespace: string, labels: object) =>
    decodePod({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace, labels, uid: name },
      spec: { containers: [{ name: "c", image: "x" }] },
    });
  const neighbours = [
    [],
    [other("x", "default", { a: "x", b: "z" })],
    [other("y", "a", { a: "y" })],
    [other("z", "b", { b: "x" })],
  ];
  const taint = (key: string, value: string, effect: "NoSchedule" | "NoExecute") => ({ key, value, effect });
  const nodes = [
    node({}),
    node({ a: "x" }),
    node({ a: "y", b: "1" }),
    ...[taint("a", "a", "NoSchedule"), taint("a", "b", "NoExecute"), taint("b", "a", "NoSchedule")].map((one) =>
      node({}, [one]),
    ),
    { ...node({}), name: "a" },
  ];
  const namespaceLabels = (name: string) => ({ a: name === "a" ? "x" : "y", b: "x" });
  return nodes.flatMap((one) =>
    neighbours.map((pods) =>
      whyNoPlace(pod, {
        node: { ...one, allocatable: CAPACITY },
        held: () => 0,
        pressure: new Set(),
        pods,
        holdsPlace: () => true,
        namespaceLabels,
      }),
    ),
  );
}

/** Everything in one text, to be compared. Throws what decoding throws. */
export function observe(raw: object): string {
  const pod = decodePod(raw);
  const resolver = { nameservers: ["192.0.2.53"], searches: ["example.org"], options: [] };
  const { why: _, ...sandbox } = buildSandboxConfig(pod, 0, {
    root: "/root",
    claims,
    memoryBytes: 2 ** 33,
    logs: "/logs",
    hostname: "host",
    clusterDomain: "cluster.test",
    hostsFile: "127.0.0.1 localhost\n",
    resolver,
    reasons: new Reasons(),
  });
  const imageOf = (reference: string) => ({ ...IMAGE, reference });
  const containers = placedContainers(pod.spec).map(({ container, role }) => {
    const held = volumeImages(container, pod).map(([name, own]) => [name, { image: imageOf(own.image) }] as const);
    const { why: __, ...config } = buildContainerConfig(pod, container, 0, {
      image: imageOf(container.image),
      volumes: withImages(volumeSources(pod, { claims, config: { root: "/root" } }), new Map(held)),
      environment: FACTS,
      objects,
      files: ({ volumeName, path, key }) => (path === "none" ? undefined : `${volumeName} ${path} ${key}`),
      seccompFolder: "/seccomp",
      reasons: new Reasons(),
    });
    return { role, ...config };
  });
  const contents = (pod.spec.volumes ?? []).map((volume) => buildContent(volume, pod, { facts: FACTS, objects }));
  return JSON.stringify({
    sandbox,
    claims: (pod.spec.volumes ?? []).map((volume) => volume.ephemeral && claimFor(pod, volume)),
    owned: ownedVolumes(pod, { claims, config: { root: "/root" } }),
    hosts: sandbox.hosts(["10.77.0.2"]),
    warnings: resolvConfFor(pod, resolver),
    containers,
    contents,
    placements: placements(pod),
  });
}
