import { readFileSync } from "node:fs";
import t from "tap";
import {
  boundingSet,
  CAPABILITIES,
  capabilitiesOf,
  capabilityBits,
  capabilityName,
} from "../../../src/linux/capabilities.ts";
import { errnoName } from "../../../src/linux/errno.ts";

t.test("capabilities are known with and without their prefix, in any case", async (t) => {
  for (const text of ["CAP_NET_ADMIN", "NET_ADMIN", "net_admin"]) t.equal(capabilityName(text), "CAP_NET_ADMIN");
  t.equal(capabilityName("NET_ADMINS"), undefined);
});

t.test("names and bits are each other's inverse, with the kernel's numbers", async (t) => {
  t.equal(capabilityBits(["CHOWN", "SYS_ADMIN"]), 1n | (1n << 21n));
  t.strictSame(capabilitiesOf(capabilityBits(CAPABILITIES)), CAPABILITIES);
  t.throws(() => capabilityBits(["ROOT"]), { code: "BadRequest", message: /"ROOT" is not a capability/ });
});

t.test("the table ends where the running kernel's capabilities end", async (t) => {
  t.equal(CAPABILITIES.length - 1, Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")));
});

t.test("the bounding set is the process's own", async (t) => {
  t.type(boundingSet(), "bigint");
});

t.test("errnos have their names, also those that Node does not know", async (t) => {
  t.equal(errnoName(2), "ENOENT");
  t.equal(errnoName(11), "EAGAIN");
  t.equal(errnoName(54), "EXFULL");
  t.equal(errnoName(117), "EUCLEAN");
  t.equal(errnoName(9999), "errno 9999");
});
