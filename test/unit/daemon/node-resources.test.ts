import t from "tap";
import { readNodeResources } from "../../../src/daemon/node-resources.ts";

const GI = 2 ** 30;
const SIZE = {
  cpus: 4,
  memoryBytes: 8 * GI,
  diskBytes: 100 * GI,
  hugepages: { "hugepages-1Gi": GI, "hugepages-2Mi": 2 ** 21 },
};

t.test("pods may ask for what is not reserved, and for no memory that is set aside as huge pages", async (t) => {
  const { capacity, allocatable } = readNodeResources(SIZE, {
    PODRUN_SYSTEM_RESERVED: "cpu=500m, memory=1Gi,ephemeral-storage=200Gi",
    PODRUN_MAX_PODS: "7",
  });
  t.match(capacity, { cpu: 4000, memory: 8 * GI, pods: 7 });
  t.match(allocatable, {
    cpu: 3500,
    memory: 6 * GI - 2 ** 21,
    "ephemeral-storage": 0,
    "hugepages-1Gi": GI,
    "hugepages-2Mi": 2 ** 21,
    pods: 7,
  });
});

t.test("without settings there is room for a thousand pods, and nothing is reserved", async (t) => {
  const { capacity, allocatable } = readNodeResources(
    { ...SIZE, hugepages: { "hugepages-1Gi": 0, "hugepages-2Mi": 0 } },
    {},
  );
  t.same(allocatable, capacity);
  t.ok(allocatable.pods > 1000);
});

t.test("a setting that is wrong is told with its variable", async (t) => {
  for (const [env, words] of [
    [{ PODRUN_MAX_PODS: "0" }, /PODRUN_MAX_PODS is "0": want a whole number above 0/],
    [{ PODRUN_MAX_PODS: "many" }, /PODRUN_MAX_PODS is "many"/],
    [{ PODRUN_SYSTEM_RESERVED: "cpus=1" }, /PODRUN_SYSTEM_RESERVED has "cpus=1": want RESOURCE=QUANTITY/],
    [{ PODRUN_SYSTEM_RESERVED: "memory=1Gb" }, /PODRUN_SYSTEM_RESERVED has "memory=1Gb": .*not a quantity/],
    [{ PODRUN_SYSTEM_RESERVED: "cpu=-1" }, /less than nothing/],
  ] as const)
    t.throws(() => readNodeResources(SIZE, env), words);
});
