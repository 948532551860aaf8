import t from "tap";
import { type Monitor, WarmMonitors } from "../../../src/daemon/warm-monitors.ts";

function makePool(t: { teardown(clean: () => void): void }) {
  const made: { open: boolean; close(): void }[] = [];
  const pool = new WarmMonitors("none", () => {
    const monitor = {
      open: true,
      close: () => {
        monitor.open = false;
      },
    };
    made.push(monitor);
    return monitor as unknown as Monitor;
  });
  t.teardown(() => pool.close());
  return { pool, made };
}

async function refilled(made: readonly unknown[]): Promise<void> {
  while (made.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

t.test("a monitor that was made ready is handed out once", async (t) => {
  const { pool, made } = makePool(t);
  pool.refill();
  await refilled(made);
  t.equal(made.length, 1);
  t.equal(pool.take(), made[0]);
  t.not(pool.take(), made[0]);
});

t.test("a monitor that has died while it waited is not handed out", async (t) => {
  const { pool, made } = makePool(t);
  pool.refill();
  await refilled(made);
  (made[0] as { open: boolean }).open = false;
  const taken = pool.take();
  t.not(taken, made[0]);
  t.equal(taken.open, true);
});

t.test("closing ends the one that waits", async (t) => {
  const { pool, made } = makePool(t);
  pool.refill();
  await refilled(made);
  pool.close();
  t.equal(made[0]?.open, false);
});

t.test("a process that can't be made is told of to who needs it, not to the event loop", async (t) => {
  const tries: number[] = [];
  const pool = new WarmMonitors("none", () => {
    tries.push(1);
    throw new Error("EAGAIN");
  });
  t.teardown(() => pool.close());
  pool.refill();
  await refilled(tries);
  t.throws(() => pool.take(), /EAGAIN/);
});
