import t from "tap";
import { findVolume, whyNot } from "../../../src/pod/claims/match.ts";
import { decodeKubeObject, type PersistentVolume, type PersistentVolumeClaim } from "../../../src/spec/index.ts";

const NODE = { name: "node", labels: { "kubernetes.io/hostname": "node" } };

const claimOf = (spec: object = {}): PersistentVolumeClaim =>
  decodeKubeObject({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "c", uid: "u" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "",
      ...spec,
    },
  }) as PersistentVolumeClaim;

const volumeOf = (name: string, storage: string, spec: object = {}): PersistentVolume => ({
  ...(decodeKubeObject({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, labels: { name } },
    spec: { capacity: { storage }, accessModes: ["ReadWriteOnce"], local: { path: "/v" }, ...spec },
  }) as PersistentVolume),
  status: { phase: "Available" },
});

const found = (claim: PersistentVolumeClaim, ...volumes: PersistentVolume[]) =>
  findVolume(claim, volumes, NODE)?.metadata.name;

t.test(
  "a claim gets the smallest free volume that is large enough, and before it the one that is kept for it",
  async (t) => {
    const [small, large, medium] = [volumeOf("small", "512Mi"), volumeOf("large", "3Gi"), volumeOf("medium", "2Gi")];
    t.equal(found(claimOf(), small, large, medium), "medium");
    const kept = volumeOf("kept", "9Gi", { claimRef: { namespace: "default", name: "c" } });
    t.equal(found(claimOf(), medium, kept), "kept");
    const other = volumeOf("other", "9Gi", { claimRef: { namespace: "default", name: "c", uid: "another" } });
    t.equal(found(claimOf(), other), undefined, "an earlier claim of the same name had it");
  },
);

t.test("class, access modes, labels, the node and a deletion keep a volume from a claim", async (t) => {
  t.equal(found(claimOf({ storageClassName: "slow" }), volumeOf("v", "1Gi")), undefined);
  t.equal(whyNot(claimOf({ accessModes: ["ReadWriteMany"] }), volumeOf("v", "1Gi")), "incompatible accessMode");
  const selector = { matchLabels: { name: "b" } };
  t.equal(found(claimOf({ selector }), volumeOf("a", "1Gi"), volumeOf("b", "2Gi")), "b");
  const terms = [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["elsewhere"] }] }];
  t.equal(
    found(claimOf(), volumeOf("v", "1Gi", { nodeAffinity: { required: { nodeSelectorTerms: terms } } })),
    undefined,
  );
  const going = volumeOf("v", "1Gi");
  going.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  t.equal(found(claimOf(), going), undefined);
});

t.test("claims and volumes that Kubernetes refuses are refused, by their fields", async (t) => {
  t.throws(() => claimOf({ accessModes: ["ReadWriteOncePod", "ReadWriteOnce"] }), {
    message: /ReadWriteOncePod with other/,
  });
  t.throws(() => claimOf({ resources: { requests: { storage: "0" } } }), { message: /greater than zero/ });
  t.throws(() => claimOf({ volumeMode: "Block" }), { code: "UnsupportedField", message: /volumeMode/ });
  t.throws(() => volumeOf("v", "1Gi", { hostPath: { path: "/x" } }), { message: /exactly one of hostPath and local/ });
  t.throws(() => volumeOf("v", "1Gi", { nfs: { server: "x", path: "/" } }), {
    code: "UnsupportedField",
    message: /nfs/,
  });
  const raw = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "x" },
    provisioner: "example.com/x",
  };
  t.throws(() => decodeKubeObject(raw), { code: "UnsupportedField", message: /provisioner.*podrun\.io\/local/ });
});
