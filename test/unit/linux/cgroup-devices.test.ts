import t from "tap";
import { DEFAULT_DEVICES, deviceProgram, v1DeviceLines } from "../../../src/linux/cgroup/index.ts";
import { runDeviceProgram } from "./support/ebpf.ts";

const BLOCK = 1;
const CHARACTER = 2;
const MKNOD = 1;
const READ = 2;
const WRITE = 4;

const program = deviceProgram(DEFAULT_DEVICES);
const allows = (type: number, major: number, minor: number, access: number): boolean =>
  runDeviceProgram(program, { type, major, minor, access }) === 1;

t.test("the default filter lets containers use the standard devices and terminals", async (t) => {
  for (const minor of [3, 5, 7, 8, 9]) t.ok(allows(CHARACTER, 1, minor, READ | WRITE), `1:${minor}`);
  for (const minor of [0, 1, 2]) t.ok(allows(CHARACTER, 5, minor, READ | WRITE | MKNOD), `5:${minor}`);
  t.ok(allows(CHARACTER, 136, 7, READ | WRITE));
});

t.test("the default filter keeps memory, disks and everything else closed", async (t) => {
  t.notOk(allows(CHARACTER, 1, 1, READ), "/dev/mem");
  t.notOk(allows(CHARACTER, 10, 200, READ), "/dev/net/tun");
  t.notOk(allows(BLOCK, 8, 0, READ), "/dev/sda");
  t.notOk(allows(BLOCK, 1, 3, READ), "block 1:3 is not null");
  t.notOk(allows(CHARACTER, 5, 3, WRITE));
});

t.test("any device may be made, but making it is all that is allowed", async (t) => {
  t.ok(allows(BLOCK, 8, 0, MKNOD));
  t.ok(allows(CHARACTER, 1, 1, MKNOD));
  t.notOk(allows(CHARACTER, 1, 1, MKNOD | READ), "all of the asked access must be covered by one rule");
});

t.test("no rules deny everything, and a rule without numbers allows its type", async (t) => {
  t.equal(runDeviceProgram(deviceProgram([]), { type: CHARACTER, major: 1, minor: 3, access: READ }), 0);
  const characters = deviceProgram([{ type: "c", access: "rwm" }]);
  t.equal(runDeviceProgram(characters, { type: CHARACTER, major: 99, minor: 3, access: 7 }), 1);
  t.equal(runDeviceProgram(characters, { type: BLOCK, major: 99, minor: 3, access: 7 }), 0);
});

t.test("on v1 everything is denied first, then each rule is one line", async (t) => {
  const lines = v1DeviceLines(DEFAULT_DEVICES).map(({ file, value }) => `${file} ${value}`);
  t.equal(lines[0], "devices.deny a");
  t.equal(lines[1], "devices.allow c *:* m");
  t.ok(lines.includes("devices.allow c 1:3 rwm"));
  t.ok(lines.includes("devices.allow c 136:* rwm"));
  t.equal(lines.length, DEFAULT_DEVICES.length + 1);
});
