import t from "tap";
import { foreignIds, freeRange, IDS_PER_POD, parseUserIds } from "../../../src/sandbox/user-ranges.ts";

const pool = { first: 65_536, last: 65_536 * 5 - 1 };
const range = (first: number) => ({ first, count: IDS_PER_POD });

t.test("pods get the lowest ranges that no other pod has, and a freed one is given again", async (t) => {
  const first = freeRange(pool, [], []);
  t.same(first, range(65_536));
  const second = freeRange(pool, [first], []);
  t.same(second, range(131_072));
  t.same(freeRange(pool, [second], []), first);
  t.same(freeRange(pool, [first, second], []), range(196_608));
});

t.test("a range in which one id is somebody else's is left out, at either end", async (t) => {
  t.same(freeRange(pool, [], [{ first: 65_536, last: 65_536 }]), range(131_072));
  t.same(freeRange(pool, [], [{ first: 131_071, last: 131_071 }]), range(131_072));
  // useradd's first: 100000-165535 lies in two ranges.
  t.same(freeRange(pool, [], [{ first: 100_000, last: 165_535 }]), range(196_608));
  t.same(freeRange(pool, [], [{ first: 0, last: 65_535 }]), range(65_536));
  t.same(freeRange(pool, [], [{ first: 4_000_000, last: 9_000_000 }]), range(65_536));
});

t.test("pods of an earlier setting keep what they have, however it lies in the present span", async (t) => {
  t.same(freeRange(pool, [{ first: 70_000, count: IDS_PER_POD }], []), range(196_608));
});

t.test("with nothing left the error says what was taken and what to do", async (t) => {
  const all = [1, 2, 3].map((n) => range(n * 65_536));
  const error = { code: "UserIdsExhausted", message: /all 4 ranges .* 65536-327679 .* 3 by pods .*PODRUN_USER_IDS/ };
  t.throws(() => freeRange(pool, all, [{ first: 262_144, last: 262_144 }]), error);
});

t.test("a span is two numbers with room for a pod, beyond everybody's ids", async (t) => {
  t.same(parseUserIds("65536-131071"), { first: 65_536, last: 131_071 });
  t.same(parseUserIds("1000000-2147483647"), { first: 1_000_000, last: 2_147_483_647 });
  for (const wrong of [
    "",
    "65536",
    "65536-",
    "65535-200000",
    "65536-131070",
    "0-65535",
    "65536-2147483648",
    "a-b",
    "-",
  ])
    t.throws(() => parseUserIds(wrong), { code: "BadRequest", message: /PODRUN_USER_IDS.*want FIRST-LAST/ }, wrong);
});

t.test(
  "ids of others are read from passwd, group, subuid and subgid, and lines that are none are passed over",
  async (t) => {
    const files: Record<string, string> = {
      "/etc/passwd": "root:x:0:0::/root:/bin/sh\ncorp:x:1234567:1234567::/:/bin/sh\n\n+::::::\n",
      "/etc/group": "big:x:777777:\n",
      "/etc/subuid": "ann:100000:65536\nbad:x:1\nnone:5:0\n",
      "/etc/subgid": "1000:300000:10",
    };
    t.same(
      foreignIds((path) => files[path] ?? ""),
      [
        { first: 0, last: 0 },
        { first: 1_234_567, last: 1_234_567 },
        { first: 777_777, last: 777_777 },
        { first: 100_000, last: 165_535 },
        { first: 300_000, last: 300_009 },
      ],
    );
    t.same(
      foreignIds(() => ""),
      [],
    );
  },
);
