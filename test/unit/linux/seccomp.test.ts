import { constants } from "node:os";
import t from "tap";
import { DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import {
  compileSeccomp,
  DEFAULT_PROFILE,
  parseProfile,
  type SeccompProfile,
} from "../../../src/linux/seccomp/index.ts";
import { libseccomp } from "../../../src/linux/seccomp/library.ts";
import { runFilter } from "./support/bpf.ts";

const ALLOW = 0x7fff0000;
const errno = (number: number): number => 0x50000 | number;
const { EPERM, ENOSYS } = constants.errno;
const native = libseccomp().archNative();
const numberOf = (name: string): number => libseccomp().syscallResolveName(name);
const ask = (filter: Buffer, name: string, ...args: bigint[]): number =>
  runFilter(filter, { arch: native, number: numberOf(name), args });

const standard = compileSeccomp(DEFAULT_PROFILE, new Set(DEFAULT_CAPABILITIES));
const admin = compileSeccomp(DEFAULT_PROFILE, new Set([...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"]));

t.test("the default profile lets ordinary programs work", async (t) => {
  for (const name of ["read", "openat", "execve", "mmap", "futex", "rseq", "statx", "chroot", "ptrace", "mknodat"])
    t.equal(ask(standard, name), ALLOW, name);
});

t.test("the default profile refuses what acts on the whole machine", async (t) => {
  for (const name of [
    "mount",
    "umount2",
    "kexec_load",
    "init_module",
    "add_key",
    "keyctl",
    "bpf",
    "setns",
    "reboot",
    "swapon",
  ])
    t.equal(ask(standard, name), errno(EPERM), name);
  for (const name of ["io_uring_setup", "userfaultfd"]) t.equal(ask(standard, name), errno(EPERM), name);
});

t.test("a container may clone processes but no namespaces, and is told that clone3 does not exist", async (t) => {
  const CLONE_NEWUSER = 0x10000000n;
  t.equal(ask(standard, "clone", 17n), ALLOW);
  t.equal(ask(standard, "clone", CLONE_NEWUSER | 17n), errno(EPERM));
  t.equal(ask(standard, "clone3"), errno(ENOSYS));
});

t.test("with CAP_SYS_ADMIN mounts and namespaces are allowed", async (t) => {
  for (const name of ["mount", "setns", "clone3", "bpf"]) t.equal(ask(admin, name), ALLOW, name);
  t.equal(ask(admin, "clone", 0x10000000n), ALLOW);
  t.equal(ask(admin, "init_module"), errno(EPERM));
});

t.test("vsock sockets are refused, all others are allowed", async (t) => {
  t.equal(ask(standard, "socket", 2n), ALLOW);
  t.equal(ask(standard, "socket", 40n), errno(EPERM));
});

t.test("only harmless personalities are allowed", async (t) => {
  t.equal(ask(standard, "personality", 0xffffffffn), ALLOW);
  t.equal(ask(standard, "personality", 0x40000n), errno(EPERM), "ADDR_NO_RANDOMIZE");
});

t.test("a call that is newer than the profile does not exist, so that programs fall back", async (t) => {
  t.equal(runFilter(standard, { arch: native, number: 4000 }), errno(ENOSYS));
});

t.test("calls of an unknown architecture are refused", async (t) => {
  t.not(runFilter(standard, { arch: 0x12345678, number: numberOf("read") }), ALLOW);
});

t.test("the same profile and capabilities are compiled once", async (t) => {
  t.equal(compileSeccomp(DEFAULT_PROFILE, new Set([...DEFAULT_CAPABILITIES].reverse())), standard);
  t.not(admin, standard);
});

const OCI = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 38,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  syscalls: [
    { names: ["read", "not_a_call"], action: "SCMP_ACT_ALLOW" },
    { name: "write", action: "SCMP_ACT_KILL_PROCESS", args: [{ index: 0, value: 2, op: "SCMP_CMP_EQ" }] },
    { names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 7, includes: { caps: ["CAP_KILL"] } },
    { names: ["getuid"], action: "SCMP_ACT_ALLOW", excludes: { minKernel: "3.0" } },
  ],
};
const parse = (change: object): SeccompProfile => parseProfile(JSON.stringify({ ...OCI, ...change }), "profile.json");

t.test("a profile file is compiled as it says", async (t) => {
  const filter = compileSeccomp(parse({}), new Set(["CAP_KILL"]));
  t.equal(ask(filter, "read"), ALLOW);
  t.equal(ask(filter, "write", 2n), 0x80000000);
  t.equal(ask(filter, "write", 1n), errno(38));
  t.equal(ask(filter, "getpid"), errno(7));
  t.equal(ask(filter, "getuid"), errno(38), "excluded on every kernel from 3.0");
  t.equal(ask(compileSeccomp(parse({}), new Set()), "getpid"), errno(38), "without the capability");
});

t.test("a profile that allows by default denies what it names", async (t) => {
  const profile = parse({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["write"], action: "SCMP_ACT_ERRNO" }],
  });
  const filter = compileSeccomp(profile, new Set());
  t.equal(ask(filter, "write"), errno(38));
  t.equal(ask(filter, "read"), ALLOW);
  t.equal(runFilter(filter, { arch: native, number: 4000 }), ALLOW);
});

t.test("an unknown architecture is refused by name", async (t) => {
  t.throws(
    () => compileSeccomp(parse({ architectures: ["SCMP_ARCH_PDP11"] }), new Set()),
    /architecture pdp11 is none/,
  );
});

t.test("a bad profile file is refused with its name and the field", async (t) => {
  const cases: [object, RegExp][] = [
    [{ defaultAction: "ALLOW" }, /profile\.json: defaultAction: "ALLOW" is none of SCMP_ACT_KILL/],
    [{ defaultAction: undefined }, /profile\.json: the top level: needs the field "defaultAction"/],
    [{ syscals: [] }, /has no field "syscals"; it may have .*syscalls/],
    [{ syscalls: {} }, /syscalls: must be a list, is an object/],
    [{ syscalls: [{ names: ["read"], action: 1 }] }, /syscalls\[0\]\.action: must be text, is a number/],
    [{ syscalls: [{ names: [], action: "SCMP_ACT_ALLOW" }] }, /syscalls\[0\]\.names: it is empty/],
    [
      { syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW", args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }] },
      /syscalls\[0\]\.args\[0\]\.index: must be a whole number from 0 to 5, is 6/,
    ],
    [{ listenerPath: "/run/x.sock" }, /listenerPath: notification listeners are not supported/],
    [{ flags: ["NOPE"] }, /flags\[0\]: "NOPE" is none of SECCOMP_FILTER_FLAG_TSYNC/],
  ];
  for (const [change, message] of cases) t.throws(() => parse(change), { code: "BadRequest", message });
  t.throws(() => parseProfile("{", "profile.json"), { code: "BadRequest", message: /profile\.json is not JSON/ });
  t.throws(() => parseProfile("[]", "profile.json"), /must be an object, is a list/);
});
