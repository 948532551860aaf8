import t from "tap";
import { Store } from "../../../src/store/index.ts";
import { numbers, testStore } from "./fixtures.ts";

t.test("a pod gets one lease, however often it asks", async (t) => {
  const { store } = testStore(t);
  const lease = store.leases.acquire("a");
  t.match(lease, {
    pod: "a",
    number: 2,
    ip4: "10.0.0.2",
    ip6: "fd00::2",
    linkIndex: 200_002,
    podMac: "02:00:00:00:00:02",
  });
  t.same(store.leases.acquire("a"), lease);
  t.same(store.leases.get("a"), lease);
  t.same(store.leases.list(), [lease]);
});

t.test("a released address rests for a minute, and others are given before it", async (t) => {
  const { store, clock } = testStore(t);
  store.leases.acquire("a");
  t.equal(store.leases.release("a"), true);
  t.equal(store.leases.acquire("b").ip4, "10.0.0.3");
  clock.advance(60_000);
  t.equal(store.leases.acquire("c").ip4, "10.0.0.4", "it has rested, and is still the last in the queue");
  for (const pod of ["d", "e"]) store.leases.acquire(pod);
  t.equal(store.leases.acquire("f").ip4, "10.0.0.2");
});

t.test("when all are taken the error names the range, how many are used, and how long one must wait", async (t) => {
  const { store, clock } = testStore(t);
  for (const pod of ["a", "b", "c", "d", "e"]) store.leases.acquire(pod);
  store.leases.release("c");
  clock.advance(15_000);
  t.throws(() => store.leases.acquire("f"), {
    code: "AddressesExhausted",
    message: /all 5 pod addresses of 10\.0\.0\.0\/29.*4 in use, 1 rest after use, the next is free in 45 s/,
    details: { used: 4, resting: 1, total: 5 },
  });
  t.equal(store.leases.list().length, 4);
  clock.advance(45_000);
  t.equal(store.leases.acquire("f").ip4, "10.0.0.4");
});

t.test("a wall clock that was set back frees addresses late by no more than the rest", async (t) => {
  const { store, clock } = testStore(t, { last: 2 });
  store.leases.acquire("a");
  store.leases.release("a");
  clock.advance(-3_600_000);
  t.equal(store.leases.acquire("b").ip4, "10.0.0.2");
});

t.test("releasing twice, or what was never leased, is no error", async (t) => {
  const { store } = testStore(t);
  store.leases.acquire("a");
  t.same([store.leases.release("a"), store.leases.release("a"), store.leases.release("b")], [true, false, false]);
});

t.test("a preview is what the next pods get, and takes nothing", async (t) => {
  const { store } = testStore(t);
  store.leases.acquire("a");
  const preview = store.leases.preview(3).map(({ ip4 }) => ip4);
  t.same(preview, ["10.0.0.3", "10.0.0.4", "10.0.0.5"]);
  t.same(
    ["b", "c", "d"].map((pod) => store.leases.acquire(pod).ip4),
    preview,
  );
  t.throws(() => store.leases.preview(2), { code: "AddressesExhausted" });
});

t.test("leases and the place in the queue are there for the next daemon", async (t) => {
  const { store, open } = testStore(t);
  const lease = store.leases.acquire("a");
  store.leases.acquire("b");
  store.leases.release("b");
  const next = open();
  t.same(next.leases.list(), [lease]);
  t.equal(next.leases.acquire("c").ip4, "10.0.0.4");
});

t.test(
  "after a change of the ranges living leases stay as they were, and nothing of theirs is given twice",
  async (t) => {
    const { store, config, clock } = testStore(t);
    const old = store.leases.acquire("a");
    store.close();
    // Number 3 has the address that number 2 had.
    const shifted = {
      ...numbers(),
      at: (number: number) => ({ ...numbers().at(number), ip4: `10.0.0.${number - 1}` }),
    };
    const next = new Store({ config, numbers: shifted, clock });
    t.same(next.leases.get("a"), old);
    t.equal(next.leases.acquire("b").ip4, "10.0.0.3");
  },
);
