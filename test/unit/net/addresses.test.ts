import t from "tap";
import { formatAddress, inRange, parseAddress, parseRange } from "../../../src/net/addresses.ts";

t.test("ranges are read in both families", async (t) => {
  t.match(parseRange("10.77.0.0/16", "cidr4"), { family: 4, prefixLength: 16, size: 65536n, text: "10.77.0.0/16" });
  t.match(parseRange("FD77:0::/64", "cidr6"), { family: 6, prefixLength: 64, size: 1n << 64n, text: "fd77::/64" });
});

t.test("what is no range is refused with the name of the setting", async (t) => {
  for (const text of [
    "",
    "10.77.0.0",
    "10.77.0.0/33",
    "10.77.0.0/",
    "10.77.0.0/16/8",
    "10.77.0/16",
    "fd77::/129",
    "x/8",
  ]) {
    t.throws(() => parseRange(text, "cidr4"), { code: "InvalidObject", message: `cidr4 "${text}"` }, text);
  }
});

t.test("bits behind the prefix are refused, and the range that was meant is named", async (t) => {
  t.throws(() => parseRange("10.77.1.2/16", "cidr4"), { message: /10\.77\.0\.0\/16 is the range/ });
});

t.test("addresses are read strictly", async (t) => {
  const bad = [
    "010.0.0.1",
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "::1::",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "g::",
    "12345::",
    "",
    "1:2:3:4:5:6:7:8::",
  ];
  for (const text of bad) t.equal(parseAddress(text), undefined, text);
  t.match(parseAddress("::ffff:1.2.3.4"), { family: 6, value: 0xffff01020304n });
});

t.test("IPv6 is written as RFC 5952 wants it", async (t) => {
  for (const [text, wanted] of [
    ["0:0:0:0:0:0:0:0", "::"],
    ["FD77:0:0:0:0:0:0:2", "fd77::2"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["0:0:0:0:0:0:0:1", "::1"],
  ] as const) {
    t.equal(formatAddress(6, parseAddress(text)?.value ?? -1n), wanted);
  }
});

t.test("an address is in its range only", async (t) => {
  const range = parseRange("10.77.0.0/16", "cidr4");
  t.equal(inRange(range, "10.77.255.255"), true);
  t.equal(inRange(range, "10.78.0.0"), false);
  t.equal(inRange(range, "::a4d:1"), false, "the other family");
  t.equal(inRange(range, "nonsense"), false);
});
