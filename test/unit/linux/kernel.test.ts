import t from "tap";
import { requireFeatures } from "../../../src/linux/kernel.ts";
import { call, failedWith, loadLibrary } from "../../../src/linux/libc.ts";

const feature = { name: "veth", available: true, needed: true, detail: "available" };

t.test("everything that is needed and missing is named at once, with its remedy", async (t) => {
  const features = [
    feature,
    { ...feature, name: "overlay", available: false, detail: "ENODEV; needs CONFIG_OVERLAY_FS" },
    { ...feature, name: "seccomp", available: false, detail: "ENOENT; needs CONFIG_SECCOMP_FILTER" },
    { ...feature, name: "apparmor", available: false, needed: false, detail: "not enabled" },
  ];
  t.throws(() => requireFeatures(features), {
    code: "KernelFeatureMissing",
    message:
      "this machine lacks overlay (ENODEV; needs CONFIG_OVERLAY_FS); seccomp (ENOENT; needs CONFIG_SECCOMP_FILTER)",
    details: { missing: ["overlay", "seccomp"] },
  });
});

t.test("what is only useful may be missing", async (t) => {
  t.doesNotThrow(() => requireFeatures([feature, { ...feature, name: "apparmor", available: false, needed: false }]));
});

t.test("a library that is not installed is refused with the package that has it", async (t) => {
  t.throws(() => loadLibrary("libnothere.so.9", "libnothere9"), {
    code: "LibraryMissing",
    message: /libnothere\.so\.9 can't be loaded: install it with apt-get install libnothere9/,
  });
});

t.test("a system call that fails throws its errno", async (t) => {
  const error = (() => {
    try {
      return call("fcntl", -1, 1, 0);
    } catch (error) {
      return error;
    }
  })();
  t.match(error, { code: "OperationFailed", message: "fcntl: EBADF", details: { errno: "EBADF" } });
  t.equal(failedWith(error, "EBADF"), true);
  t.equal(failedWith(error, "ENOENT"), false);
});
