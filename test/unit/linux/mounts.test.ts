import t from "tap";
import { mountsBelow, parseMountinfo } from "../../../src/linux/mounts.ts";
import { bootId, commandLine, isZombie, namespaceOf, proportionalSetSize, startTime } from "../../../src/linux/proc.ts";

const TEXT = [
  "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
  "30 22 0:28 /a\\040b /run/x rw,nosuid master:2 shared:3 - tmpfs tmp rw,size=64k",
  "31 30 0:29 / /run/x/y rw - proc proc rw",
  "32 22 0:30 / /run/xy rw - proc proc rw",
  "",
].join("\n");

t.test("mountinfo is read with any number of optional fields", async (t) => {
  const mounts = parseMountinfo(TEXT);
  t.strictSame(
    mounts.map(({ type }) => type),
    ["ext4", "tmpfs", "proc", "proc"],
  );
  t.match(mounts[1], { id: 30, parent: 22, root: "/a b", point: "/run/x", options: ["rw", "nosuid"], source: "tmp" });
  t.strictSame(mounts[1]?.superOptions, ["rw", "size=64k"]);
});

t.test("mounts below a folder come in the order to unmount them, without its namesakes", async (t) => {
  t.strictSame(
    mountsBelow(parseMountinfo(TEXT), "/run/x").map(({ id }) => id),
    [31, 30],
  );
});

t.test("a process is known by its start time, also when its name holds brackets", async (t) => {
  const own = startTime(process.pid);
  process.title = "a) R 1 (b";
  t.equal(startTime(process.pid), own);
  t.ok(own !== undefined && own > 0);
  t.equal(isZombie(process.pid), false);
});

t.test("a process that does not exist has nothing", async (t) => {
  const nobody = 2 ** 22 + 1;
  t.equal(startTime(nobody), undefined);
  t.equal(isZombie(nobody), undefined);
  t.equal(namespaceOf(nobody, "net"), undefined);
  t.equal(commandLine(nobody), undefined);
  t.equal(proportionalSetSize(nobody), undefined);
});

t.test("namespaces have an identity, the boot has an id", async (t) => {
  t.match(namespaceOf("self", "net"), /^net:\[\d+\]$/);
  t.match(bootId(), /^[0-9a-f-]{36}$/);
});
