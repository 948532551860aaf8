import t from "tap";
import { admitPriority, keepPriority, type PriorityRules } from "../../../src/pod/priority.ts";
import type { PriorityRule } from "../../../src/spec/index.ts";
import { makePod } from "./fixtures.ts";

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
