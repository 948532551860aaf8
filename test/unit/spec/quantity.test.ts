import t from "tap";
import { bytes, compareQuantities, cpuMillis, parseQuantity } from "../../../src/spec/index.ts";
import { errorOf } from "./pods.ts";

t.test("suffixes are decimal, binary or an exponent", async (t) => {
  const cases: Record<string, number> = {
    "0": 0,
    "128": 128,
    "+1": 1,
    "1k": 1000,
    "1M": 1e6,
    "1G": 1e9,
    "1T": 1e12,
    "1P": 1e15,
    "1Ki": 1024,
    "64Mi": 64 * 1024 ** 2,
    "1.5Gi": 1.5 * 1024 ** 3,
    "1Ti": 1024 ** 4,
    "1e3": 1000,
    "1E3": 1000,
    "1.5e3": 1500,
    ".5k": 500,
    "5.": 5,
    "2000m": 2,
    "12e-1": 2,
  };
  for (const [text, expected] of Object.entries(cases)) t.equal(bytes(text), expected, text);
});

t.test("a CPU quantity is thousandths, rounded up", async (t) => {
  const cases: Record<string, number> = {
    "1": 1000,
    "0.5": 500,
    "250m": 250,
    "0.0001": 1,
    "100u": 1,
    "1n": 1,
    "1.5": 1500,
    "2k": 2_000_000,
  };
  for (const [text, expected] of Object.entries(cases)) t.equal(cpuMillis(text), expected, text);
});

t.test("fractions of a byte are rounded up, and more than fits a number is cut to the largest", async (t) => {
  t.equal(bytes("0.5"), 1);
  t.equal(bytes("100m"), 1);
  t.equal(bytes("1Ei"), Number.MAX_SAFE_INTEGER);
  t.equal(bytes("1e300"), Number.MAX_SAFE_INTEGER);
});

t.test("a parsed quantity is exact", async (t) => {
  t.same(parseQuantity("0.1"), { nano: 100_000_000n, milli: 100n });
  t.same(parseQuantity("-1500u"), { nano: -1_500_000n, milli: -1n });
  t.same(parseQuantity("0.1Gi").nano, 107_374_182_400_000_000n);
  t.same(parseQuantity("0.0000000001").nano, 1n, "rounded up to the smallest step");
});

t.test("quantities compare by value, not by spelling", async (t) => {
  t.equal(compareQuantities("1", "1000m"), 0);
  t.equal(compareQuantities("1Gi", "1G"), 1);
  t.equal(compareQuantities("999m", "1"), -1);
});

t.test("what is no quantity is refused with an example", async (t) => {
  const wrong = [
    "",
    " 1",
    "1 ",
    "one",
    "1KiB",
    "1kb",
    "1K",
    "1mi",
    "0x10",
    "1,5",
    "1e",
    "1e3Mi",
    "--1",
    ".",
    "1.2.3",
    "∞",
    "1e9999",
    "9".repeat(65),
  ];
  for (const text of wrong) {
    const error = errorOf(() => parseQuantity(text));
    t.equal(error.code, "InvalidObject", text);
    t.match(error.message, /is not a quantity; write a number with an optional suffix, such as 500m/);
    t.ok(error.message.length < 200);
  }
});
