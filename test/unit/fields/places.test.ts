// Types that stand in several places: each place is read, not only the one where test/unit/fields/supported.test.ts tries the fields.
import t from "tap";
import { decodePod } from "../../../src/spec/index.ts";
import type { ObjectType, Row } from "../../../src/spec/schema/shape.ts";
import { placeOf } from "./contexts.ts";
import { observe } from "./observe.ts";
import { podWith } from "./samples.ts";
import { type Place, put, typesOf } from "./walk.ts";

const CPU = { limits: { cpu: "500m", memory: "64Mi" } };
const NAME = { fieldPath: "metadata.name" };
const named = (node: string) => [{ key: "metadata.name", operator: "In", values: [node] }];
const HERE = "kubernetes.io/hostname";
const SPREAD = { topologyKey: HERE, maxSkew: 1, minDomains: 2, whenUnsatisfiable: "DoNotSchedule" };

const CLAIM = {
  "spec.volumes.0.ephemeral.volumeClaimTemplate.spec": {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
  },
};

/** The field, two values of it (undefined: none), and what stands beside it. */
const TRIED: readonly (readonly [
  field: string,
  one: unknown,
  two: unknown,
  beside?: Readonly<Record<string, unknown>>,
])[] = [
  ["PodSpec.initContainers", [{ name: "i", image: "x" }], undefined],
  ["PodSpec.resources", CPU, undefined],
  ["ResourceRequirements.requests", { cpu: "100m" }, undefined],
  ["PodSecurityContext.seccompProfile", { type: "Unconfined" }, undefined],
  ["PodSecurityContext.appArmorProfile", { type: "Unconfined" }, undefined],
  ["PodSecurityContext.seLinuxOptions", { level: "s0:c1" }, undefined],
  ["SecretVolumeSource.items", [{ key: "a", path: "p" }], undefined],
  ["ConfigMapProjection.items", [{ key: "a", path: "p" }], undefined],
  ["SecretProjection.items", [{ key: "a", path: "p" }], undefined],
  ["DownwardAPIProjection.items", [{ path: "p", fieldRef: NAME }], undefined],
  ["DownwardAPIVolumeFile.fieldRef", NAME, { fieldPath: "metadata.uid" }],
  [
    "DownwardAPIVolumeFile.resourceFieldRef",
    { containerName: "main", resource: "limits.cpu" },
    { containerName: "main", resource: "limits.memory" },
  ],
  ["PersistentVolumeClaimTemplate.metadata", { labels: { a: "x" } }, undefined, CLAIM],
  ["VolumeResourceRequirements.limits", { storage: "2Gi" }, undefined, CLAIM],
  [
    "PodAffinityTerm.labelSelector",
    { matchLabels: { a: "x" } },
    { matchLabels: { a: "none" } },
    { "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0": { topologyKey: HERE } },
  ],
  ["NodeSelectorTerm.matchFields", named("a"), named("node")],
  [
    "PodAffinityTerm.namespaceSelector",
    { matchLabels: { a: "x" } },
    { matchLabels: { a: "z" } },
    {
      "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0": {
        labelSelector: {},
        topologyKey: HERE,
      },
    },
  ],
  [
    "PodAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    [{ labelSelector: {}, topologyKey: HERE }],
    undefined,
  ],
  ["TopologySpreadConstraint.labelSelector", {}, undefined, { "spec.topologySpreadConstraints.0": SPREAD }],
  ["EphemeralContainer.env", [{ name: "A", value: "b" }], undefined],
  ["EphemeralContainer.envFrom", [{ configMapRef: { name: "a" } }], undefined],
  ["EphemeralContainer.securityContext", { runAsUser: 5 }, undefined],
  [
    "EphemeralContainer.volumeMounts",
    [{ name: "v", mountPath: "/v" }],
    undefined,
    { "spec.volumes": [{ name: "v", emptyDir: {} }] },
  ],
];

/** They show when something happens: the tests of NAMED hold their fields at these places too. */
const LATER: readonly string[] = [
  "Container.readinessProbe",
  "Container.startupProbe",
  "Lifecycle.preStop",
  "Probe.exec",
  "Probe.httpGet",
  "Probe.tcpSocket",
];

function placesOf(): readonly { readonly name: string; readonly place: Place; readonly row: Row }[] {
  const types = typesOf();
  const inner = (row: Row, place: Place): { type: ObjectType; place: Place } | undefined => {
    if (row.kind === "object") return { type: row.type, place };
    return row.kind === "list" ? inner(row.of, [...place, 0]) : undefined;
  };
  const isFirst = ({ type, place }: { type: ObjectType; place: Place }): boolean =>
    types.get(type.name)?.place.join() === place.join();
  return [...types.values()].flatMap(({ type, place }) =>
    Object.entries(type.fields).flatMap(([key, row]) => {
      const at = inner(row, [...place, key]);
      return at === undefined || isFirst(at) ? [] : [{ name: `${type.name}.${key}`, place: [...place, key], row }];
    }),
  );
}

t.test("each place of a type that stands in several is read", async (t) => {
  const places = placesOf();
  for (const [field, one, two, beside = {}] of TRIED) {
    const place = places.find(({ name }) => name === field)?.place;
    t.ok(place, `${field} is such a place`);
    if (place === undefined) continue;
    const texts = [one, two].map((value) => {
      const raw = podWith(place);
      for (const [at, given] of Object.entries(beside)) put(raw, placeOf(at), structuredClone(given));
      if (value !== undefined) put(raw, place, value);
      t.doesNotThrow(() => decodePod(raw), `${field}: ${JSON.stringify(raw)}`);
      return observe(raw);
    });
    t.not(texts[0], texts[1], `${field} is read`);
  }
  const known = new Set([...TRIED.map(([field]) => field), ...LATER]);
  for (const { name, row } of places.filter(({ name }) => !known.has(name)))
    t.match(
      `${name} ${row.note ?? ""}`,
      /without an effect|only empty|^(PreferredScheduling|WeightedPodAffinity)Term/,
      name,
    );
});
