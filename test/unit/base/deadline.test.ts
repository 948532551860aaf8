import t from "tap";
import { ManualClock, timestamp } from "../../../src/base/clock.ts";
import { Deadline } from "../../../src/base/deadline.ts";
import { newName, newNameSuffix, newRuntimeId, newUid } from "../../../src/base/ids.ts";

t.test("a deadline is over when its time has come, and not before", async (t) => {
  const clock = new ManualClock();
  const deadline = new Deadline(1000, clock);
  clock.advance(999);
  t.same([deadline.remaining, deadline.expired], [1, false]);
  deadline.check("it");
  clock.advance(1);
  t.same([deadline.remaining, deadline.expired], [0, true]);
  t.throws(() => deadline.check("stopping pod web"), {
    code: "Timeout",
    message: "stopping pod web was not done within 1 s",
  });
});

t.test("an infinite deadline is never over", async (t) => {
  const clock = new ManualClock();
  const deadline = new Deadline(Number.POSITIVE_INFINITY, clock);
  clock.advance(1e12);
  t.equal(deadline.expired, false);
  t.equal(await deadline.race("it", Promise.resolve(7)), 7);
});

t.test("what settles in time wins, errors too, and what does not ends in Timeout", async (t) => {
  const deadline = new Deadline(60_000);
  t.equal(await deadline.race("it", Promise.resolve(7)), 7);
  await t.rejects(deadline.race("it", Promise.reject(new Error("own"))), { message: "own" });
  await t.rejects(new Deadline(0).race("waiting", new Promise(() => undefined)), { code: "Timeout" });
});

t.test("times are written as Kubernetes writes them", async (t) => {
  t.equal(timestamp(Date.UTC(2026, 10, 21, 7, 47, 1, 999)), "2026-11-21T07:47:01Z");
});

t.test("ids have their forms and do not repeat", async (t) => {
  t.match(newUid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.match(newRuntimeId(), /^[0-9a-f]{64}$/);
  t.match(newNameSuffix(), /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.match(newName("web-"), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.equal(newName("x".repeat(253)).length, 63);
  t.equal(new Set(Array.from({ length: 100 }, newRuntimeId)).size, 100);
});
