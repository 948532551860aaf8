import t from "tap";
import { StorageEvictions } from "../../../../src/pod/eviction/storage-evictions.ts";
import { makePod, makeWorld, settle } from "../fixtures.ts";

const LIMITED = { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] };

t.test("only pods with a limit are measured, and for no more than a twentieth of the time", async (t) => {
  const { pods, node, timers } = makeWorld(t.testdir());
  const seen: string[] = [];
  const usage = { usedBytes: 2 ** 20, inodesUsed: 1, millis: 1000 };
  const measure = async (path: string) => {
    seen.push(path);
    if (path.includes("broken")) throw new Error("EIO");
    return path.endsWith("/v") ? { ...usage } : undefined;
  };
  const evictions = new StorageEvictions({ node, meter: { measure }, pods });
  await pods.create(makePod({ volumes: [{ name: "free", emptyDir: {} }] }, { name: "free" }));
  await pods.create(makePod(LIMITED, { name: "limited" }));
  const broken = { volumes: [{ name: "broken", emptyDir: { sizeLimit: "1Mi" } }] };
  await pods.create(makePod(broken, { name: "broken" }));
  await settle();
  const looks = async (): Promise<number> => {
    seen.length = 0;
    await evictions.look();
    t.notOk(seen.some((path) => path.endsWith("/free")));
    return seen.filter((path) => path.endsWith("/v")).length;
  };
  t.equal(await looks(), 1);
  await timers.advance(18_000);
  t.equal(await looks(), 0);
  await timers.advance(2000);
  usage.usedBytes++;
  const looked = looks();
  await timers.advance(5000);
  t.equal(await looked, 1);
  const states = pods.list().map(({ metadata, status }) => `${metadata.name} ${status.reason ?? status.phase}`);
  t.same(states, ["broken Running", "free Running", "limited Evicted"]);
});
