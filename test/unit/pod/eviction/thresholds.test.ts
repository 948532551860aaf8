import t from "tap";
import { readEvictionSettings } from "../../../../src/daemon/eviction-settings.ts";
import { pressureMessage } from "../../../../src/pod/eviction/messages.ts";
import {
  DEFAULT_HARD,
  isCrossed,
  type Observations,
  parseDuration,
  parseGracePeriods,
  parseThresholds,
  type Signal,
  type Threshold,
} from "../../../../src/pod/eviction/thresholds.ts";

const GI = 2 ** 30;
const see = (signal: Signal, available: number, capacity: number): Observations =>
  new Map([[signal, { available, capacity }]]);
const first = (text: string): Threshold => parseThresholds(text)[0] as Threshold;

t.test("thresholds are a kubelet's: quantities, parts of the capacity, 0% and 100% for off", (t) => {
  t.same(parseThresholds(" memory.available<1.5Gi , nodefs.inodesFree < 5%,imagefs.available<0%,pid.available<100%"), [
    { signal: "memory.available", quantity: 1.5 * GI, graceMillis: 0 },
    { signal: "nodefs.inodesFree", part: 0.05, graceMillis: 0 },
  ]);
  t.same(parseThresholds(""), []);
  const soft = parseThresholds("memory.available<1Gi", parseGracePeriods("memory.available=1m30s"));
  t.same(soft, [{ signal: "memory.available", quantity: GI, graceMillis: 90_000 }]);
  t.end();
});

t.test("what makes no threshold is refused by its words", (t) => {
  for (const [text, message] of [
    ["memory.avail<1Gi", 'there is no signal "memory.avail"; there are memory.available, '],
    ["memory.available>1Gi", 'there is no signal "memory.available>1Gi"'],
    ["memory.available<", "want SIGNAL<QUANTITY"],
    ["memory.available<1<2", "want SIGNAL<QUANTITY"],
    ["memory.available<lots", '"lots" is not a quantity'],
    ["memory.available<0", "want a quantity above 0"],
    ["memory.available<-1Gi", "want a quantity above 0"],
    ["memory.available<%", "want 0% to 100%"],
    ["memory.available<101%", "want 0% to 100%"],
    ["pid.available<1,pid.available<2", "pid.available is there twice"],
  ] as const)
    t.throws(() => parseThresholds(text), { name: "TypeError", message: new RegExp(literally(message)) }, text);
  t.throws(() => parseThresholds("pid.available<1", new Map()), /a soft threshold needs a grace period/);
  for (const text of ["", "1x", "m", "1m 5s", "-1s"]) t.throws(() => parseDuration(text), text);
  t.equal(parseDuration("1h1.5s20ms"), 3_601_520);
  t.end();
});

t.test("the default asks for a tenth of a small disk and for five gibibytes of a large one", (t) => {
  const crossed = (available: number, capacity: number): boolean =>
    DEFAULT_HARD.some((threshold) => isCrossed(threshold, see("nodefs.available", available, capacity)));
  t.ok(crossed(0.9 * GI, 10 * GI));
  t.notOk(crossed(1.1 * GI, 10 * GI));
  t.ok(crossed(4.9 * GI, 1000 * GI));
  t.notOk(crossed(5.1 * GI, 1000 * GI));
  t.notOk(
    DEFAULT_HARD.some((threshold) => isCrossed(threshold, new Map())),
    "what can't be seen is not scarce",
  );
  t.end();
});

t.test("settings come from the environment, and an empty one turns hard thresholds off", (t) => {
  t.match(readEvictionSettings({}), {
    periodMillis: 10_000,
    transitionMillis: 300_000,
    maxPodGraceSeconds: 0,
    thresholds: DEFAULT_HARD,
  });
  t.same(readEvictionSettings({ PODRUN_EVICTION_HARD: "" }).thresholds, []);
  const env = {
    PODRUN_EVICTION_HARD: "pid.available<1k",
    PODRUN_EVICTION_SOFT: "pid.available<2k",
    PODRUN_EVICTION_SOFT_GRACE_PERIOD: "pid.available=5",
    PODRUN_EVICTION_MAX_POD_GRACE_PERIOD: "30",
    PODRUN_EVICTION_PRESSURE_TRANSITION_PERIOD: "0s",
    PODRUN_EVICTION_PERIOD: "500ms",
  };
  t.same(readEvictionSettings(env), {
    periodMillis: 500,
    transitionMillis: 0,
    maxPodGraceSeconds: 30,
    thresholds: [
      { signal: "pid.available", quantity: 1000, graceMillis: 0 },
      { signal: "pid.available", quantity: 2000, graceMillis: 5000 },
    ],
  });
  for (const [name, text] of [
    ["PODRUN_EVICTION_HARD", "x"],
    ["PODRUN_EVICTION_SOFT", "pid.available<1"],
    ["PODRUN_EVICTION_PERIOD", "1ms"],
    ["PODRUN_EVICTION_MAX_POD_GRACE_PERIOD", "-1"],
    ["PODRUN_EVICTION_PRESSURE_TRANSITION_PERIOD", "soon"],
  ] as const)
    t.throws(() => readEvictionSettings({ [name]: text }), new RegExp(`^${name}: `), name);
  t.end();
});

t.test("an evicted pod's message is the kubelet's", (t) => {
  const memory = see("memory.available", 51_003 * 1024, 8 * GI);
  t.equal(
    pressureMessage(first("memory.available<100Mi"), memory, [
      { container: "web", used: 2 ** 21, request: undefined },
      { container: "log", used: 5000, request: "4k" },
    ]),
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 51003Ki. " +
      "Container web was using 2Mi, request is 0, has larger consumption of memory. " +
      "Container log was using 5000, request is 4k, has larger consumption of memory. ",
  );
  t.equal(
    pressureMessage(first("imagefs.inodesFree<5%"), see("imagefs.inodesFree", 2000, 100_000), []),
    "The node was low on resource: inodes. Threshold quantity: 5k, available: 2k. ",
  );
  t.end();
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
