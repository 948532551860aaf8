import { join } from "node:path";
import t, { type Test } from "tap";
import { KeptObjects } from "../../../src/pod/objects.ts";
import { admitPriority, keepPriority, type PriorityRules } from "../../../src/pod/priority.ts";
import { decodeKind, makeSystemClasses, type PriorityClass, type PriorityRule } from "../../../src/spec/index.ts";
import { Database } from "../../../src/store/database.ts";
import { Objects } from "../../../src/store/objects.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { makePod, makeWorld } from "./fixtures.ts";

const HIGH: PriorityRule = { name: "high", value: 1000, preemptionPolicy: "Never" };
const LOW: PriorityRule = { name: "low", value: -5, preemptionPolicy: "PreemptLowerPriority" };
const rules = (preset?: PriorityRule): PriorityRules => ({
  find: (name) => [HIGH, LOW].find((one) => one.name === name),
  default: () => preset,
});
const admit = (spec: object, preset?: PriorityRule) => {
  const { priorityClassName, priority, preemptionPolicy } = admitPriority(makePod(spec), rules(preset));
  return [priorityClassName, priority, preemptionPolicy];
};

t.test("a pod's priority and policy are its class's, or the default class's, or nothing at all", async (t) => {
  t.same(admit({ priorityClassName: "high" }), ["high", 1000, "Never"]);
  t.same(admit({}), [undefined, 0, "PreemptLowerPriority"]);
  t.same(admit({}, LOW), ["low", -5, "PreemptLowerPriority"]);
  t.same(admit({ priorityClassName: "high" }, LOW), ["high", 1000, "Never"]);
});

t.test("what a pod says of its priority must be what its class says", async (t) => {
  t.same(admit({ priorityClassName: "high", priority: 1000, preemptionPolicy: "Never" }), ["high", 1000, "Never"]);
  t.throws(() => admit({ priority: 7 }), {
    code: "Forbidden",
    message: /priority \(7\) must not be provided in pod spec; priority admission controller computed 0 from/,
  });
  t.throws(() => admit({ preemptionPolicy: "Never" }), { message: /PreemptionPolicy \(Never\) must not be provided/ });
  t.throws(() => admit({ priorityClassName: "none" }), { message: /no PriorityClass with name none was found/ });
});

t.test("a change that says nothing of its priority leaves it, and the default class, as they were", async (t) => {
  const { spec } = makePod();
  const before = admitPriority(makePod(), rules(LOW));
  t.same(keepPriority(before, spec, rules(LOW)), before);
  const high = admitPriority(makePod({ priorityClassName: "high" }), rules());
  t.equal(keepPriority(high, spec, rules()).priorityClassName, undefined, "who takes his class away is heard");
  t.equal(keepPriority(before, { ...spec, priority: 3 }, rules()).priority, 3, "and refused later");
});

function makeObjects(t: Test) {
  const database = new Database(join(t.testdir(), "objects.db"), "normal", STATE_MIGRATIONS);
  return { database, objects: new KeptObjects(new Objects(database, database)) };
}

const classOf = (name: string, value: number, more: object = {}) =>
  decodeKind("PriorityClass", {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value,
    ...more,
  }) as PriorityClass;

t.test("classes on record give their priority; the system's always do", async (t) => {
  const { objects, pods } = makeWorld(t.testdir());
  for (const one of [
    classOf("high", 1000, { preemptionPolicy: "Never" }),
    classOf("usual", 5, { globalDefault: true }),
  ])
    objects.set(`PriorityClass//${one.metadata.name}`, one);
  const specOf = async (name: string, spec: object) => (await pods.create(makePod(spec, { name }))).spec;
  t.match(await specOf("a", { priorityClassName: "high" }), { priority: 1000, preemptionPolicy: "Never" });
  t.match(await specOf("b", {}), { priorityClassName: "usual", priority: 5, preemptionPolicy: "PreemptLowerPriority" });
  t.match(await specOf("c", { priorityClassName: "system-node-critical" }), { priority: 2000001000 });
});

t.test("a class is kept as it is, only one is the default, and the system's stay", async (t) => {
  const { database, objects } = makeObjects(t);
  t.teardown(() => database.close());
  const create = (one: PriorityClass) => objects.create(one);
  for (const one of makeSystemClasses()) create(one);
  create(classOf("usual", 5, { globalDefault: true, description: "for all" }));
  t.throws(() => create(classOf("other", 6, { globalDefault: true })), {
    code: "Forbidden",
    message: /usual is already marked as default/,
  });
  t.throws(() => objects.replace(classOf("usual", 6)), {
    code: "InvalidObject",
    message: /value: can't be changed from 5/,
  });
  t.match(objects.replace(classOf("usual", 5, { description: "new" })), { description: "new", value: 5 });
  t.throws(() => objects.delete("PriorityClass", "", "system-node-critical"), {
    code: "Forbidden",
    message: /system priority class/,
  });
  objects.delete("PriorityClass", "", "usual");
  t.equal(objects.find("PriorityClass", "", "usual"), undefined);
  t.throws(() => classOf("mine", 1_000_000_001), { message: /value: 1000000001 is more than 1000000000/ });
  t.throws(() => classOf("system-mine", 1), { message: /reserved for the system's own classes/ });
});
