import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { IPod } from "kubernetes-models/v1/Pod";
import t from "tap";
import type { Pod, PodCondition, PodStatus } from "../../../src/spec/index.ts";
import { KUBERNETES_FIELDS } from "../../../src/spec/schema/kubernetes.gen.ts";

const root = join(import.meta.dirname, "../../..");

/** Kubernetes answers null for lastProbeTime, which its own schema does not allow. */
type PlainCondition = Omit<PodCondition, "lastProbeTime">;
type PlainPod = Omit<Pod, "status"> & { status: Omit<PodStatus, "conditions"> & { conditions?: PlainCondition[] } };

/** The type checker fails here when a type of ours is not one of Kubernetes'. */
const asKubernetes = (pod: PlainPod): IPod => pod;

t.test("a pod of ours is a pod of Kubernetes'", async (t) => t.type(asKubernetes, "function"));

t.test("docs/fields.md and the table of Kubernetes' fields are up to date", async (t) => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/generate-fields.ts", "--check"], {
    cwd: root,
    encoding: "utf8",
  });
  t.equal(status, 0, stderr);
});

t.test("the table of Kubernetes' fields is of version 1.34 or later", async (t) => {
  t.ok(KUBERNETES_FIELDS["PodSpec"]?.split(" ").includes("hostnameOverride"), "new in 1.34");
});

t.test("decoding pods loads no YAML parser: the daemon and quick commands do without it", async (t) => {
  const script = `
    const { _cache } = process.getBuiltinModule("module");
    const loaded = () => Object.keys(_cache).some((file) => file.includes("/node_modules/yaml/"));
    await import("./src/spec/decode.ts");
    await import("./src/spec/labels.ts");
    const before = loaded();
    await import("./src/spec/manifest.ts");
    console.log(before, loaded());`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: root,
    encoding: "utf8",
  });
  t.equal(stdout, "false true\n");
});
