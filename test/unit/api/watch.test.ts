import t from "tap";
import type { PodWatchEvent } from "../../../src/api/client.ts";
import { makePod, startFake } from "./fake.ts";

/** Takes `count` changes, then leaves. */
async function take(events: AsyncGenerator<PodWatchEvent>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { type, object } of events) {
    seen.push(`${type} ${object.metadata.name}`);
    if (seen.length === count) break;
  }
  return seen;
}

t.test("a watch without a version begins with the present pods and goes on with changes", async (t) => {
  const { client, pods } = await startFake(t);
  pods.put(makePod("a"), "ADDED");
  const events = client.watchPods({});
  t.equal((await events.next()).value.object.metadata.name, "a");
  pods.put(makePod("b"), "ADDED");
  await client.deletePod("default", "a");
  t.same(await take(events, 3), ["ADDED b", "MODIFIED a", "DELETED a"]);
});

t.test("a watch from a list's version gets what happened in between, deletions too, and nothing twice", async (t) => {
  const { client, pods } = await startFake(t);
  pods.put(makePod("a"), "ADDED");
  pods.put(makePod("b"), "ADDED");
  const { metadata } = await client.listPods({});
  pods.finishDelete("default", "a");
  pods.put(makePod("c"), "ADDED");
  const events = client.watchPods({ resourceVersion: metadata.resourceVersion });
  t.same(await take(events, 2), ["DELETED a", "ADDED c"]);
});

t.test("a watch of one name and of labels sees no other pod", async (t) => {
  const { client, pods } = await startFake(t);
  const events = client.watchPods({ fieldSelector: "metadata.name=b" });
  const next = take(events, 1);
  await client.version();
  pods.put(makePod("a"), "ADDED");
  pods.put(makePod("b"), "ADDED");
  t.same(await next, ["ADDED b"]);
});

t.test("to a watch with a selector what begins to match is new, and what matches no longer is gone", async (t) => {
  const { client, pods } = await startFake(t);
  const put = (labels: Record<string, string>) => {
    const pod = makePod("a");
    pods.put({ ...pod, metadata: { ...pod.metadata, labels } }, pods.pods.size === 0 ? "ADDED" : "MODIFIED");
  };
  put({ tier: "a" });
  const { metadata } = await client.listPods({});
  const all = ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"];
  const changes = take(client.watchPods({ labelSelector: "tier=b" }), 5);
  await client.version();
  for (const tier of ["b", "b", "c", "c", "b"]) put({ tier });
  pods.finishDelete("default", "a");
  t.same(await changes, all);
  t.same(await take(client.watchPods({ labelSelector: "tier=b", ...metadata }), 5), all, "those in between, too");
});

t.test("a version that is too old is told as 410 Expired, not skipped", async (t) => {
  const { client, pods } = await startFake(t);
  for (let index = 0; index < 1100; index++) pods.put(makePod("a"));
  await t.rejects(client.watchPods({ resourceVersion: "5" }).next(), { message: /too old resource version/ });
});

t.test("a watch ends by itself at its timeout, and when the server closes", async (t) => {
  const { client, pods, close } = await startFake(t);
  pods.put(makePod("a"), "ADDED");
  const query = { timeoutSeconds: 0 } as never;
  t.same(await take(client.watchPods(query), 5), ["ADDED a"]);
  const events = client.watchPods({});
  await events.next();
  const rest = take(events, 5);
  await close();
  t.same(await rest, []);
});
