import t from "tap";
import { DetachFilter, parseDetachKeys } from "../../../src/cli/detach-keys.ts";

function type(keys: string, ...typed: string[]): { text: string; detached: boolean } {
  const filter = new DetachFilter(parseDetachKeys(keys));
  let text = "";
  for (const piece of typed) {
    const { data, detached } = filter.push(Buffer.from(piece, "latin1"));
    text += data.toString("latin1");
    if (detached) return { text, detached };
  }
  return { text, detached: false };
}

t.test("the keys detach, in one piece or in two, and are not passed on", async (t) => {
  t.same(type("ctrl-p,ctrl-q", "ls\x10\x11more"), { text: "ls", detached: true });
  t.same(type("ctrl-p,ctrl-q", "a\x10", "\x11"), { text: "a", detached: true });
  t.same(type("a,b,c", "xabc"), { text: "x", detached: true });
});

t.test("a beginning that goes on differently reaches the process whole", async (t) => {
  t.same(type("ctrl-p,ctrl-q", "\x10", "x"), { text: "\x10x", detached: false });
  t.same(type("ctrl-p,ctrl-q", "\x10", "\x10", "\x11"), { text: "\x10", detached: true });
  t.same(type("ctrl-p,ctrl-q", "\x11"), { text: "\x11", detached: false });
});

t.test("no keys: everything is passed on", async (t) => {
  t.same(type("", "\x10\x11"), { text: "\x10\x11", detached: false });
});

t.test("a key that is none is refused", async (t) => {
  for (const keys of ["ctrl-", "ctrl-1", "ctrl-pp", "é", "a,,b", "alt-x"])
    t.throws(() => parseDetachKeys(keys), { message: /is no key/ }, keys);
});
