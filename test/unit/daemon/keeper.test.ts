import t from "tap";
import { Logger } from "../../../src/base/logger.ts";
import { Keeper } from "../../../src/daemon/keeper.ts";
import { ManualTimers } from "../pod/fixtures.ts";

/** Something that `break()` changes, and whoever keeps it puts back. */
function makeKeeper() {
  const timers = new ManualTimers();
  const state = { broken: false, looks: 0, repairs: 0, refuse: false };
  const told: string[] = [];
  const lines: string[] = [];
  const keeper = new Keeper({
    what: "the table",
    differences: async () => {
      state.looks++;
      return state.broken ? ["it is broken"] : [];
    },
    restore: async () => {
      if (state.refuse) throw new Error("not now");
      state.broken = false;
      state.repairs++;
    },
    onRestored: (differences, by) => told.push(`${by}: ${differences}`),
    log: new Logger({ write: (line) => lines.push(line) }),
    timers,
  });
  const change = (by?: string): void => {
    state.broken = true;
    keeper.touched(by);
  };
  return { timers, state, told, lines, keeper, change };
}

t.test("what was changed is put back a moment later, and who did it is told", async (t) => {
  const { timers, state, told, change } = makeKeeper();
  change("nft (pid 7)");
  t.equal(state.looks, 0, "the change may not be over yet");
  await timers.advance(50);
  t.equal(state.broken, false);
  t.same(told, ["nft (pid 7): it is broken"]);
});

t.test("a change of many steps is looked at once, and one that changes nothing is not told", async (t) => {
  const { timers, state, told, keeper } = makeKeeper();
  for (let i = 0; i < 100; i++) keeper.touched("firewalld (pid 8)");
  await timers.advance(1000);
  t.equal(state.looks, 1);
  t.same(told, []);
});

t.test("who undoes every repair is answered ever more slowly, and after a quiet minute at once again", async (t) => {
  const { timers, state, change } = makeKeeper();
  // Somebody breaks it twice a second for ten minutes.
  for (let i = 0; i < 1200; i++) {
    change();
    await timers.advance(500);
  }
  t.ok(state.repairs > 10 && state.repairs < 40, `${state.repairs} repairs in ten minutes`);
  await timers.advance(120_000);
  t.equal(state.broken, false);
  change();
  await timers.advance(50);
  t.equal(state.broken, false);
});

t.test("a repair that fails is logged and tried again until it succeeds", async (t) => {
  const { timers, state, told, lines, change } = makeKeeper();
  state.refuse = true;
  change();
  await timers.advance(1000);
  t.match(lines[0], /the table can't be restored: not now/);
  t.ok(lines.length > 1 && lines.length < 10, `${lines.length} tries`);
  state.refuse = false;
  await timers.advance(30_000);
  t.equal(state.broken, false);
  t.equal(told.length, 1);
});

t.test("a keeper that was stopped touches nothing any more", async (t) => {
  const { timers, state, keeper, change } = makeKeeper();
  change();
  keeper.stop();
  keeper.touched();
  await timers.advance(1000);
  t.equal(state.looks, 0);
});
