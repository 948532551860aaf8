import t, { type Test } from "tap";
import { pod, problemsOf, type RawPod, rawPod } from "./pods.ts";

/** Each case: a bent pod and the beginning of its only problem. */
function refuses(t: Test, cases: readonly (readonly [RawPod, string])[]): void {
  for (const [parts, start] of cases) {
    const problems = problemsOf(rawPod(parts));
    t.equal(problems.length, 1, `${start}: ${problems.join(" | ")}`);
    t.ok(problems[0]?.startsWith(start), `${problems[0]} starts with ${start}`);
  }
}

function accepts(t: Test, cases: readonly RawPod[]): void {
  for (const parts of cases) t.doesNotThrow(() => pod(parts), JSON.stringify(parts));
}

t.test("users, capabilities, seccomp and sysctls are checked", async (t) => {
  const security = (securityContext: unknown) => ({ container: { securityContext } });
  const sysctl = (name: string, more: object = {}) => ({
    spec: { ...more, securityContext: { sysctls: [{ name, value: "1" }] } },
  });
  refuses(t, [
    [
      security({ runAsUser: -1 }),
      "spec.containers[0].securityContext.runAsUser: -1 is out of range; it must be from 0 to 2147483647",
    ],
    [security({ runAsGroup: 2 ** 31 }), "spec.containers[0].securityContext.runAsGroup: 2147483648 is out of range"],
    [security({ runAsUser: "root" }), "spec.containers[0].securityContext.runAsUser: must be a whole number"],
    [
      { spec: { securityContext: { supplementalGroups: [-1] } } },
      "spec.securityContext.supplementalGroups[0]: -1 is out of range",
    ],
    [
      security({ runAsNonRoot: true, runAsUser: 0 }),
      "spec.containers[0].securityContext.runAsUser: 0 is root, which runAsNonRoot forbids",
    ],
    [
      { spec: { securityContext: { runAsUser: 0 } }, ...security({ runAsNonRoot: true }) },
      "spec.securityContext.runAsUser: 0 is root",
    ],
    [
      security({ capabilities: { add: ["CAP_NET_ADMIN"] } }),
      'spec.containers[0].securityContext.capabilities.add[0]: "CAP_NET_ADMIN" is not a capability; did you mean "NET_ADMIN"?',
    ],
    [security({ capabilities: { add: ["FLY"] } }), "spec.containers[0].securityContext.capabilities.add[0]: "],
    [
      security({ privileged: true, allowPrivilegeEscalation: false }),
      "spec.containers[0].securityContext.allowPrivilegeEscalation: can't be false in a privileged container",
    ],
    [
      security({ seccompProfile: { type: "Localhost" } }),
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: required with type Localhost",
    ],
    [
      security({ seccompProfile: { type: "Unconfined", localhostProfile: "a" } }),
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: only type Localhost",
    ],
    [
      security({ seccompProfile: { type: "Localhost", localhostProfile: "../a" } }),
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: ",
    ],
    [
      security({ appArmorProfile: { type: "Localhost" } }),
      "spec.containers[0].securityContext.appArmorProfile.localhostProfile: required with type Localhost",
    ],
    [
      security({ appArmorProfile: { type: "Localhost", localhostProfile: " a" } }),
      'spec.containers[0].securityContext.appArmorProfile.localhostProfile: " a" is not the name of a profile',
    ],
    [
      { spec: { securityContext: { appArmorProfile: { type: "RuntimeDefault", localhostProfile: "a" } } } },
      "spec.securityContext.appArmorProfile.localhostProfile: only type Localhost names a profile",
    ],
    [
      security({ seLinuxOptions: { type: "container_t:s0" } }),
      'spec.containers[0].securityContext.seLinuxOptions.type: "container_t:s0" is not a name of a SELinux policy',
    ],
    [
      { spec: { securityContext: { seLinuxOptions: { level: "s0,c1" } } } },
      'spec.securityContext.seLinuxOptions.level: "s0,c1" is not a SELinux level; s0:c123,c456 is one',
    ],
    [
      { spec: { securityContext: { seLinuxChangePolicy: "Always" } } },
      'spec.securityContext.seLinuxChangePolicy: "Always" is none of "MountOption", "Recursive"',
    ],
    [
      { spec: { securityContext: { seccompProfile: { type: "Localhost" } } } },
      "spec.securityContext.seccompProfile.localhostProfile: required",
    ],
    [sysctl("Net.core"), 'spec.securityContext.sysctls[0].name: "Net.core" is not a kernel parameter'],
    [sysctl("vm.swappiness"), 'spec.securityContext.sysctls[0].name: "vm.swappiness" would change the host'],
    [sysctl("kernel.hostname"), 'spec.securityContext.sysctls[0].name: "kernel.hostname" would change the host'],
    [
      sysctl("net.core.somaxconn", { hostNetwork: true }),
      'spec.securityContext.sysctls[0].name: "net.core.somaxconn" would change the host, because hostNetwork is true',
    ],
    [
      sysctl("kernel.shmmax", { hostIPC: true }),
      'spec.securityContext.sysctls[0].name: "kernel.shmmax" would change the host, because hostIPC',
    ],
  ]);
  accepts(t, [
    security({ runAsUser: 1000, runAsNonRoot: true, capabilities: { add: ["NET_ADMIN", "sys_time"], drop: ["all"] } }),
    security({ seccompProfile: { type: "Localhost", localhostProfile: "profiles/a.json" } }),
    ...["s0", "", "s0:c1,c2", "s0:c0.c1023", "s0-s15:c0,c2.c4"].map((level) => security({ seLinuxOptions: { level } })),
    security({ seLinuxOptions: { user: "system_u", role: "", type: "container_t" } }),
    { spec: { securityContext: { runAsUser: 0 } }, ...security({ runAsNonRoot: true, runAsUser: 5 }) },
    sysctl("net/ipv4/ip_local_port_range"),
    sysctl("kernel.shm_rmid_forced"),
    sysctl("net.core.somaxconn", { hostIPC: true }),
  ]);
});
