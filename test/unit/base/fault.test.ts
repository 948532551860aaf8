import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { planFault, step } from "../../../src/base/fault.ts";

t.afterEach(() => {
  delete process.env["PODRUN_FAULT"];
});

t.test("a step does nothing when no fault is asked for", async (t) => {
  t.doesNotThrow(() => step("test.none"));
  t.equal(planFault("none"), undefined);
});

t.test("a step throws the system error that is asked for, and other steps do not", async (t) => {
  process.env["PODRUN_FAULT"] = "test.write:error:ENOSPC,plan:a:3:EPERM";
  t.throws(() => step("test.write"), { code: "ENOSPC" });
  t.doesNotThrow(() => step("test.other"));
});

t.test("a numbered fault strikes only at that time", async (t) => {
  process.env["PODRUN_FAULT"] = "test.numbered#2:error:EIO";
  t.doesNotThrow(() => step("test.numbered"));
  t.throws(() => step("test.numbered"), { code: "EIO" });
  t.doesNotThrow(() => step("test.numbered"));
});

t.test("a plan's fault gives the operation and the number of the error, 0 for stop", async (t) => {
  process.env["PODRUN_FAULT"] = "plan:sandbox:12:EPERM,plan:container:7:stop";
  t.strictSame(planFault("sandbox"), { operation: 12, errno: 1 });
  t.strictSame(planFault("container"), { operation: 7, errno: 0 });
  t.equal(planFault("exec"), undefined);
});

t.test("an error name that does not exist is refused", async (t) => {
  process.env["PODRUN_FAULT"] = "plan:sandbox:12:EBOGUS";
  t.throws(() => planFault("sandbox"), /EBOGUS is not the name of a system error/);
});

t.test("a file of faults is read again at every step", async (t) => {
  const file = join(t.testdir(), "faults");
  writeFileSync(file, "");
  process.env["PODRUN_FAULT"] = `@${file}`;
  t.doesNotThrow(() => step("test.file"));
  writeFileSync(file, "test.file:error:EROFS\n");
  t.throws(() => step("test.file"), { code: "EROFS" });
});
