import t from "tap";
import { Turns } from "../../../src/pod/turns.ts";
import { settle } from "./fixtures.ts";

/** Work that goes on until it is told to end. */
function makeWork(begun: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = (): Promise<void> => {
    begun.push(name);
    return promise;
  };
  return { work, end: resolve };
}

t.test("rounds begin at once while few go on; the rest waits until one ends, urgent ones first", async (t) => {
  const begun: string[] = [];
  const turns = new Turns(2, () => 1);
  const works = ["a", "b", "c", "d", "e"].map((name) => makeWork(begun, name));
  const given = works.map(({ work }, index) => turns.take(work, index === 4));
  t.strictSame(begun, ["a", "b"]);
  t.strictSame(
    given.map(({ isBegun }) => isBegun),
    [true, true, false, false, false],
  );
  await settle();
  t.strictSame(begun, ["a", "b"], "nobody has ended");
  given[3]?.hurry();
  works[0]?.end();
  await settle();
  t.strictSame(begun, ["a", "b", "e"]);
  for (const { end } of works) end();
  await settle();
  t.strictSame(begun, ["a", "b", "e", "d", "c"]);
});

t.test("work that hangs does not keep others from their turn", async (t) => {
  const begun: string[] = [];
  const turns = new Turns(1, () => 1);
  turns.take(() => new Promise(() => undefined), false);
  const next = Promise.withResolvers<void>();
  turns.take(async () => next.resolve(), false);
  await next.promise;
  t.strictSame(begun, []);
});

t.test("when a turn of the event loop has been used up, the next acts come in later ones, in order", async (t) => {
  let now = 1;
  const turns = new Turns(1, () => now);
  const done: number[] = [];
  const act = (index: number) => () => {
    done.push(index);
    now += 100;
  };
  for (const index of [0, 1, 2, 3]) turns.soon(act(index));
  const cancel = turns.soon(act(4));
  t.strictSame(done, [0]);
  cancel();
  let between = 0;
  setImmediate(() => {
    between = done.length;
  });
  await settle();
  t.ok(between < 4, "others have had the event loop before all was done");
  t.strictSame(done, [0, 1, 2, 3]);
});
