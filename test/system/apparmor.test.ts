// AppArmor on the kernels that have it (the VM's: npm run test:vm -- apparmor), and what is said on those that have not.
import { execFileSync } from "node:child_process";
import t from "tap";
import { readAppArmor } from "../../src/linux/apparmor.ts";
import { makeManifest, startInstance, stateOf, type Teardown } from "./support/podrun.ts";

t.setTimeout(300_000);

const machine = readAppArmor();
const lacks = !machine.enabled && "the kernel of this machine has no AppArmor";

const withProfile = (name: string, appArmorProfile?: object, more: object = {}) =>
  makeManifest(name, [{ name: "main", securityContext: { ...more, ...(appArmorProfile && { appArmorProfile }) } }]);

/** Loads a profile that lets nothing be written below /tmp, for the test's time. */
function loadProfile(t: Teardown, name: string): void {
  const text = `profile ${name} flags=(attach_disconnected,mediate_deleted) { network, capability, file, signal, ptrace, umount, deny /tmp/** w, }`;
  execFileSync("apparmor_parser", ["--skip-cache", "--replace"], { input: text });
  t.teardown(() => void execFileSync("apparmor_parser", ["--remove"], { input: text }));
}

const CURRENT = ["cat", "/proc/self/attr/current"];

t.test("containers and what is executed in them run under the default profile", { skip: lacks }, async (t) => {
  t.ok(machine.defaultProfile, machine.lack);
  const podrun = startInstance(t);
  const shown = { command: ["sh", "-c", "cat /proc/self/attr/current; exec sleep 100000"] };
  const strict = { allowPrivilegeEscalation: false };
  await podrun.start(
    makeManifest("plain", [{ name: "main", ...shown }]),
    makeManifest("strict", [{ name: "main", ...shown, securityContext: strict }]),
    withProfile("privileged", undefined, { privileged: true }),
    withProfile("free", { type: "Unconfined" }),
  );
  for (const name of ["plain", "strict"]) {
    t.equal(await podrun.ok("logs", name), `${machine.defaultProfile} (enforce)\n`);
    t.equal(await podrun.ok("exec", name, "--", ...CURRENT), `${machine.defaultProfile} (enforce)\n`);
  }
  for (const name of ["privileged", "free"])
    t.equal(await podrun.ok("exec", name, "--", ...CURRENT), "unconfined\n", name);
});

t.test(
  "the default profile forbids what a capability alone would allow, and no more than that",
  { skip: lacks },
  async (t) => {
    const podrun = startInstance(t);
    const admin = { capabilities: { add: ["SYS_ADMIN"] } };
    await podrun.start(withProfile("plain", undefined, admin), withProfile("free", { type: "Unconfined" }, admin));
    const mount = ["sh", "-c", "mkdir -p /m && mount -t tmpfs none /m"];
    t.match(await podrun.podrun("exec", "plain", "--", ...mount), { code: 255, stderr: /[Pp]ermission denied/ });
    t.match(await podrun.podrun("exec", "free", "--", ...mount), { code: 0 });
    const everyday =
      "echo a > /tmp/a && chmod 600 /tmp/a && sleep 1000 & kill $! && ps && ip address && ping -c 1 127.0.0.1";
    t.match(await podrun.podrun("exec", "plain", "--", "sh", "-c", everyday), { code: 0 });
    await podrun.ok("delete", "pod", "plain");
  },
);

t.test("type Localhost is a profile that is loaded, and one that is not is told", { skip: lacks }, async (t) => {
  const podrun = startInstance(t);
  const profile = `podrun-test-${process.pid}`;
  loadProfile(t, profile);
  await podrun.start(withProfile("mine", { type: "Localhost", localhostProfile: profile }));
  t.equal(await podrun.ok("exec", "mine", "--", ...CURRENT), `${profile} (enforce)\n`);
  t.match(await podrun.podrun("exec", "mine", "--", "touch", "/tmp/a"), { code: 1, stderr: /Permission denied/ });
  await podrun.apply(withProfile("other", { type: "Localhost", localhostProfile: "podrun-test-none" }));
  const pod = await podrun.untilPod("other", (one) => stateOf(one, "main").waiting?.message !== undefined);
  t.match(stateOf(pod, "main").waiting, {
    reason: "CreateContainerConfigError",
    message: /"podrun-test-none" is not loaded/,
  });
});

t.test(
  "without AppArmor a profile that is asked for keeps its container from starting",
  { skip: machine.enabled && "this machine has AppArmor" },
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(withProfile("free", { type: "Unconfined" }), withProfile("plain"));
    await podrun.apply(withProfile("default", { type: "RuntimeDefault" }));
    const pod = await podrun.untilPod("default", (one) => stateOf(one, "main").waiting?.message !== undefined);
    t.match(stateOf(pod, "main").waiting, {
      reason: "CreateContainerConfigError",
      message: /appArmorProfile RuntimeDefault: the kernel of this machine has no AppArmor/,
    });
  },
);
