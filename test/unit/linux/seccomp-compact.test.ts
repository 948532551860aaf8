// A compacted filter must say to every call what libseccomp's own says.
import t from "tap";
import { DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import { encode, instruction, JUMP_EQUAL, LOAD_WORD, RETURN } from "../../../src/linux/seccomp/bpf.ts";
import { compact } from "../../../src/linux/seccomp/compact.ts";
import { buildFilter } from "../../../src/linux/seccomp/compile.ts";
import { DEFAULT_PROFILE, parseProfile, TAR_PROFILE, UNTAR_PROFILE } from "../../../src/linux/seccomp/index.ts";
import { libseccomp } from "../../../src/linux/seccomp/library.ts";
import { runFilter } from "./support/bpf.ts";

const X32_BIT = 0x40000000;
const architectures = [
  libseccomp().archNative(),
  ...["x86", "x32", "arm", "x86_64", "aarch64"].map((name) => libseccomp().archResolveName(name)),
  0,
  0x12345678,
];
const NUMBERS = [...Array(1000).keys(), X32_BIT - 1, X32_BIT, X32_BIT + 1, X32_BIT + 520, 0x7fffffff, 0xffffffff];
/** Of each of the first three: what rules ask for, its neighbours, and what has more than 32 bits. */
const VALUES = [
  0n,
  1n,
  2n,
  8n,
  17n,
  40n,
  0x20000n,
  0x20008n,
  0x10000011n,
  0x7e020000n,
  0xffffffffn,
  0x1_0000_0000n,
  0x1_0000_0028n,
];

function differences(one: Buffer, other: Buffer): readonly string[] {
  const found: string[] = [];
  for (const arch of architectures)
    for (const number of NUMBERS)
      for (const value of VALUES) {
        const call = { arch, number, args: [value, value, value] };
        const [expected, actual] = [runFilter(one, call), runFilter(other, call)];
        if (expected !== actual) found.push(`${arch.toString(16)} ${number} (${value}): ${actual}, not ${expected}`);
      }
  return found;
}

const LOCAL = parseProfile(
  JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    syscalls: [
      { names: ["write"], action: "SCMP_ACT_KILL_PROCESS", args: [{ index: 0, value: 2, op: "SCMP_CMP_EQ" }] },
      { names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 7, args: [{ index: 1, value: 17, op: "SCMP_CMP_GT" }] },
      { names: ["getpid", "ioctl", "openat"], action: "SCMP_ACT_TRAP" },
    ],
  }),
  "local.json",
);

for (const [name, profile, capabilities] of [
  ["the default profile", DEFAULT_PROFILE, DEFAULT_CAPABILITIES],
  ["the default profile with CAP_SYS_ADMIN", DEFAULT_PROFILE, [...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"]],
  ["the unpacker's profile", UNTAR_PROFILE, []],
  ["the archiver's profile", TAR_PROFILE, []],
  ["a profile that allows by default, with rules about arguments", LOCAL, []],
] as const)
  t.test(`${name} says the same when it is compacted, and is no longer than before`, async (t) => {
    const filter = buildFilter(profile, new Set(capabilities));
    const smaller = compact(filter);
    t.same(differences(filter, smaller), []);
    t.ok(smaller.length <= filter.length, `${filter.length / 8} and ${smaller.length / 8} instructions`);
  });

t.test("the default profile needs half the instructions", async (t) => {
  const filter = buildFilter(DEFAULT_PROFILE, new Set(DEFAULT_CAPABILITIES));
  t.ok(compact(filter).length * 2 < filter.length);
});

t.test("a filter that reckons with the number is left alone", async (t) => {
  const AND = 0x54;
  const odd = [instruction(LOAD_WORD, 0), instruction(AND, 1), instruction(JUMP_EQUAL, 1, 0, 1)];
  const filter = encode([...odd, instruction(RETURN, 0), instruction(RETURN, 0x7fff0000)]);
  t.equal(compact(filter), filter);
});
