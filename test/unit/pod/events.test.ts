import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import t, { type Test } from "tap";
import { EventJournal } from "../../../src/pod/event-journal.ts";
import { EventRecorder } from "../../../src/pod/events.ts";
import type { KubeEvent } from "../../../src/pod/types.ts";

const POD = { namespace: "default", name: "hello", uid: "u-1" };

function makeRecorder(): { recorder: EventRecorder; clock: { now: number } } {
  const clock = { now: Date.parse("2026-01-01T00:00:00Z") };
  return { recorder: new EventRecorder({ host: "node", now: () => clock.now }), clock };
}

t.test("an event names its pod, and its container as the kubelet's field path", async (t) => {
  const { recorder } = makeRecorder();
  recorder.record(POD, { type: "Normal", reason: "Started", message: "Started container web", container: "web" });
  const [event] = recorder.list();
  t.match(event, {
    reason: "Started",
    type: "Normal",
    count: 1,
    involvedObject: { kind: "Pod", name: "hello", namespace: "default", uid: "u-1", fieldPath: "spec.containers{web}" },
    source: { component: "podrun", host: "node" },
    firstTimestamp: "2026-01-01T00:00:00.000Z",
  });
});

t.test("the same event is counted up, keeps its first time and moves to the end", async (t) => {
  const { recorder, clock } = makeRecorder();
  const backoff = { type: "Warning", reason: "BackOff", message: "Back-off" } as const;
  recorder.record(POD, backoff);
  recorder.record(POD, { type: "Normal", reason: "Pulled", message: "x" });
  clock.now += 5000;
  recorder.record(POD, backoff);
  const events = recorder.list();
  t.same(
    events.map(({ reason, count }) => [reason, count]),
    [
      ["Pulled", 1],
      ["BackOff", 2],
    ],
  );
  t.equal(events[1]?.firstTimestamp, "2026-01-01T00:00:00.000Z");
  t.equal(events[1]?.lastTimestamp, "2026-01-01T00:00:05.000Z");
});

t.test("the same words about another pod are another event", async (t) => {
  const { recorder } = makeRecorder();
  recorder.record(POD, { type: "Normal", reason: "Pulled", message: "x" });
  recorder.record({ ...POD, uid: "u-2" }, { type: "Normal", reason: "Pulled", message: "x" });
  t.equal(recorder.list().length, 2);
});

t.test("an event is forgotten an hour after it happened last", async (t) => {
  const { recorder, clock } = makeRecorder();
  recorder.record(POD, { type: "Normal", reason: "Pulled", message: "x" });
  clock.now += 3_600_000;
  t.equal(recorder.list().length, 1);
  clock.now += 1;
  t.equal(recorder.list().length, 0);
});

t.test("a list is filtered by namespace and by the name of the object", async (t) => {
  const { recorder } = makeRecorder();
  recorder.record(POD, { type: "Normal", reason: "Pulled", message: "x" });
  recorder.record(
    { namespace: "other", name: "hello", uid: "u-2" },
    { type: "Normal", reason: "Pulled", message: "x" },
  );
  t.equal(recorder.list({ namespace: "other" }).length, 1);
  t.equal(recorder.list({ namespace: "default", involvedName: "nope" }).length, 0);
});

t.test("ever new messages do not grow the memory without end", async (t) => {
  const { recorder } = makeRecorder();
  for (let i = 0; i < 6000; i++) recorder.record(POD, { type: "Warning", reason: "Failed", message: `${i}` });
  t.equal(recorder.list().length, 5000);
  t.equal(recorder.list().at(-1)?.message, "5999");
});

t.test("watchers hear of every event, new or again, with versions that only grow", async (t) => {
  const { recorder } = makeRecorder();
  const heard: string[] = [];
  const versions: number[] = [];
  const stop = recorder.watch(({ type, object }) => {
    heard.push(`${type} ${object.reason} ${object.count}`);
    versions.push(Number(object.metadata.resourceVersion));
  });
  const backoff = { type: "Warning", reason: "BackOff", message: "Back-off" } as const;
  recorder.record(POD, backoff);
  recorder.record(POD, { type: "Normal", reason: "Pulled", message: "x" });
  recorder.record(POD, backoff);
  stop();
  recorder.record(POD, backoff);
  t.same(heard, ["ADDED BackOff 1", "ADDED Pulled 1", "MODIFIED BackOff 2"]);
  t.same(
    versions,
    [...versions].sort((a, b) => a - b),
  );
  t.equal(new Set(versions).size, 3);
});

t.test("an event may be about something else than a pod", async (t) => {
  const { recorder } = makeRecorder();
  recorder.record(
    { kind: "Node", namespace: "default", name: "n", uid: "n" },
    { type: "Warning", reason: "X", message: "y" },
  );
  t.match(recorder.list()[0]?.involvedObject, { kind: "Node", name: "n" });
});

function makeJournal(t: Test, slack?: number) {
  const path = join(t.testdir(), "events.jsonl");
  const clock = { now: Date.parse("2026-01-01T00:00:00Z") };
  const errors: unknown[] = [];
  const open = (): EventRecorder =>
    new EventRecorder({
      host: "node",
      now: () => clock.now,
      journal: new EventJournal({
        path,
        onError: (error) => errors.push(error),
        ...(slack !== undefined && { slack }),
      }),
    });
  return { path, clock, errors, open, lines: () => readFileSync(path, "utf8").split("\n").filter(Boolean) };
}

const BACKOFF = { type: "Warning", reason: "BackOff", message: "Back-off" } as const;
const PULLED = { type: "Normal", reason: "Pulled", message: "x", container: "web" } as const;

t.test(
  "a later daemon has the events of an earlier one, counts them on, and forgets them after the same hour",
  async (t) => {
    const { open, clock, errors } = makeJournal(t);
    const first = open();
    first.record(POD, BACKOFF);
    first.record(POD, PULLED);
    first.record(POD, BACKOFF);
    await turn();
    const second = open();
    t.same(second.list(), first.list());
    clock.now += 30 * 60_000;
    second.record(POD, PULLED);
    await turn();
    clock.now += 31 * 60_000;
    t.match(open().list(), [{ reason: "Pulled", count: 2, involvedObject: { fieldPath: "spec.containers{web}" } }]);
    t.equal(open().list().length, 1);
    t.same(errors, []);
  },
);

t.test("a line that was cut off or damaged costs itself only", async (t) => {
  const { open, path, errors } = makeJournal(t);
  const first = open();
  first.record(POD, PULLED);
  await turn();
  appendFileSync(path, '{"kind":"Event"}\nnull\n{"apiVersion":"v1","kind":"Ev');
  const second = open();
  t.same(second.list(), first.list());
  second.record(POD, BACKOFF);
  await turn();
  t.same(open().list(), second.list(), "the next line is none of the cut one");
  t.same(errors, []);
});

t.test("where the file can't be written anew, not every event tries it again, and none is lost", async (t) => {
  // The new file's name is longer, too long.
  const path = join(t.testdir(), "e".repeat(250));
  const errors: unknown[] = [];
  const open = () => new EventJournal({ path, slack: 100, onError: (error) => errors.push(error) });
  const recorder = new EventRecorder({ host: "node" });
  const journal = open();
  let tries = 0;
  for (let count = 1; count <= 150; count++) {
    recorder.record(POD, BACKOFF);
    journal.add(recorder.list()[0] as KubeEvent, () => {
      tries++;
      return recorder.list();
    });
    await turn();
  }
  t.equal(tries, 5);
  t.match(errors, [{ code: "ENAMETOOLONG" }]);
  t.equal(errors.length, 1);
  t.match(open().read(), [{ count: 150 }]);
});

t.test("the file is written anew before it grows much longer than what it is about", async (t) => {
  const { open, lines } = makeJournal(t, 10);
  const recorder = open();
  for (let count = 0; count < 25; count++) {
    recorder.record(POD, BACKOFF);
    await turn();
  }
  t.ok(lines().length <= 10, `${lines().length} lines`);
  t.match(open().list(), [{ count: 25 }]);
});

t.test("a disk that takes no more is told once, and events go on", async (t) => {
  const { open, path, errors } = makeJournal(t);
  const recorder = open();
  rmSync(join(path, ".."), { recursive: true });
  for (let count = 0; count < 3; count++) {
    recorder.record(POD, BACKOFF);
    await turn();
  }
  t.match(errors, [{ code: "ENOENT" }]);
  t.match(recorder.list(), [{ count: 3 }]);
});
