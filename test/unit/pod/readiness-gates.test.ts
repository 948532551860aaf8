import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const type = "example.com/traffic";
const gated = () => makePod({ readinessGates: [{ conditionType: type }] });
const find = (pods: Pods, wanted: string) =>
  pods.get("default", "hello").status.conditions?.find((one) => one.type === wanted);

t.test("a pod with a readiness gate is ready when the gate's condition is True, its containers before", async (t) => {
  const { pods, timers } = makeWorld(t.testdir());
  await pods.create(gated());
  await settle();
  t.match(find(pods, "ContainersReady"), { status: "True" });
  t.match(find(pods, "Ready"), {
    status: "False",
    reason: "ReadinessGatesNotReady",
    message: `corresponding condition of pod readiness gate "${type}" does not exist.`,
  });
  pods.setConditions("default", "hello", [{ type, status: "False", reason: "Draining" }]);
  await timers.advance(0);
  t.match(find(pods, "Ready"), {
    message: `the status of pod readiness gate "${type}" is not "True", but False`,
  });
  await timers.advance(5_000);
  pods.setConditions("default", "hello", [{ type, status: "True" }]);
  await timers.advance(0);
  t.match(find(pods, "Ready"), { status: "True", lastTransitionTime: "2026-01-01T00:00:05Z" });
  t.match(find(pods, type), { status: "True", lastTransitionTime: "2026-01-01T00:00:05Z" });
});

t.test("containers that are not ready are told before any gate", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  runtime.before = (call) => (call.startsWith("startContainer") ? new Promise(() => undefined) : undefined);
  await pods.create(gated());
  await settle();
  t.match(find(pods, "Ready"), { status: "False", reason: "ContainersNotReady" });
});

t.test("podrun's own conditions can't be written, others stay over daemons and reboots", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(gated());
  await settle();
  world.pods.setConditions("default", "hello", [
    { type, status: "True" },
    { type: "Ready", status: "False", reason: "Mine" },
    { type: "PodScheduled", status: "False" },
  ]);
  await world.timers.advance(0);
  t.match(find(world.pods, "Ready"), { status: "True" });
  t.match(find(world.pods, "PodScheduled"), { status: "True" });
  world.pods.stop();
  world.runtime.sandboxes.clear();
  world.runtime.containers.clear();
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.match(find(pods, type), { status: "True" });
  t.match(find(pods, "Ready"), { status: "True" });
  t.throws(() => pods.setConditions("default", "nope", []), { code: "NotFound" });
});
