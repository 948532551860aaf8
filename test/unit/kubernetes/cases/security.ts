// Security contexts.
import { each, long, type Settings } from "./case.ts";

const MAIN = "spec.containers.0";
const IDS = [null, -1, 0, 1, 65535, 65536, "1", 2147483647, 2147483648, 1.5];
const PROFILES = [
  null,
  {},
  { type: "RuntimeDefault" },
  { type: "Unconfined" },
  { type: "unconfined" },
  { type: "" },
  { type: "Localhost" },
  { type: "Localhost", localhostProfile: "a" },
  { type: "Localhost", localhostProfile: "" },
  { type: "Localhost", localhostProfile: "a/b.json" },
  { type: "Localhost", localhostProfile: "../a" },
  { type: "Localhost", localhostProfile: "/a" },
  { type: "RuntimeDefault", localhostProfile: "a" },
  { type: "RuntimeDefault", localhostProfile: "" },
  { type: "Localhost", localhostProfile: " a " },
];

const SECURITY: Settings[] = [
  ...each("spec.securityContext", [null, {}, [], { unknown: 1 }]),
  ...each(`${MAIN}.securityContext`, [null, {}, [], { unknown: 1 }]),
  ...["runAsUser", "runAsGroup"].flatMap((name) => [
    ...each(`spec.securityContext.${name}`, IDS),
    ...each(`${MAIN}.securityContext.${name}`, IDS),
    ...each(`${MAIN}.securityContext.${name}`, IDS, [["spec.hostUsers", false]]),
  ]),
  ...each("spec.securityContext.fsGroup", IDS),
  ...each("spec.securityContext.fsGroup", [65535, 65536], [["spec.hostUsers", false]]),
  ...each("spec.securityContext.supplementalGroups", [null, [], [0], [-1], [1, 1], ["1"], [2147483648], [65536]]),
  ...each("spec.securityContext.supplementalGroups", [[65536]], [["spec.hostUsers", false]]),
  ...each("spec.securityContext.supplementalGroupsPolicy", ["", "Merge", "Strict", "strict"]),
  ...each("spec.securityContext.fsGroupChangePolicy", ["", "Always", "OnRootMismatch", "always"]),
  ...["seccompProfile", "appArmorProfile"].flatMap((name) => [
    ...each(`spec.securityContext.${name}`, PROFILES),
    ...each(`${MAIN}.securityContext.${name}`, PROFILES),
  ]),
  ...each("spec.securityContext.runAsNonRoot", [true, false, null, "true"]),
  ...each("spec.securityContext.runAsUser", [0, 1], [["spec.securityContext.runAsNonRoot", true]]),
  ...each(`${MAIN}.securityContext.runAsUser`, [0, 1], [["spec.securityContext.runAsNonRoot", true]]),
  ...each("spec.securityContext.sysctls", [
    null,
    [],
    [{ name: "net.core.somaxconn", value: "1" }],
    [{ name: "kernel.shm_rmid_forced", value: "0" }],
    [{ name: "kernel.shmmax", value: "1" }],
    [{ name: "kernel.msgmax", value: "1" }],
    [{ name: "kernel.sem", value: "1 2 3 4" }],
    [{ name: "fs.mqueue.msg_max", value: "1" }],
    [{ name: "net/ipv4/ip_forward", value: "1" }],
    [{ name: "net.ipv4.conf.eth0/1.forwarding", value: "1" }],
    [{ name: "vm.swappiness", value: "1" }],
    [{ name: "kernel.hostname", value: "a" }],
    [{ name: "a" }],
    [{ value: "a" }],
    [{ name: "net.core.somaxconn" }],
    [{ name: "net.core.somaxconn", value: "" }],
    [{ name: "net.core.somaxconn", value: 1 }],
    [{ name: "Net.core", value: "1" }],
    [{ name: "", value: "1" }],
    [
      { name: "net.core.somaxconn", value: "1" },
      { name: "net.core.somaxconn", value: "2" },
    ],
    [
      { name: "net.core.somaxconn", value: "1" },
      { name: "net/core/somaxconn", value: "2" },
    ],
  ]),
  ...each(
    "spec.securityContext.sysctls",
    [[{ name: "net.core.somaxconn", value: "1" }], [{ name: "kernel.shmmax", value: "1" }]],
    [["spec.hostNetwork", true]],
  ),
  ...each(
    "spec.securityContext.sysctls",
    [[{ name: "net.core.somaxconn", value: "1" }], [{ name: "kernel.shmmax", value: "1" }]],
    [["spec.hostIPC", true]],
  ),
  ...["privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsNonRoot"].flatMap((name) =>
    each(`${MAIN}.securityContext.${name}`, [true, false, null, "true"]),
  ),
  ...each(
    `${MAIN}.securityContext.allowPrivilegeEscalation`,
    [true, false],
    [[`${MAIN}.securityContext.privileged`, true]],
  ),
  ...each(
    `${MAIN}.securityContext.allowPrivilegeEscalation`,
    [true, false],
    [[`${MAIN}.securityContext.capabilities.add`, ["SYS_ADMIN"]]],
  ),
  ...each(
    `${MAIN}.securityContext.allowPrivilegeEscalation`,
    [false],
    [[`${MAIN}.securityContext.capabilities.add`, ["CAP_SYS_ADMIN"]]],
  ),
  ...each(`${MAIN}.securityContext.capabilities`, [
    null,
    {},
    { add: [] },
    { add: ["NET_ADMIN"] },
    { add: ["CAP_NET_ADMIN"] },
    { add: ["net_admin"] },
    { add: ["ALL"] },
    { add: ["all"] },
    { drop: ["ALL"] },
    { drop: ["all"] },
    { drop: ["NOTHING"] },
    { add: [""] },
    { add: [1] },
    { add: ["NET_ADMIN", "NET_ADMIN"] },
    { add: ["NET_ADMIN"], drop: ["NET_ADMIN"] },
  ]),
  ...each(`${MAIN}.securityContext.procMount`, ["", "Default", "Unmasked", "default"]),
  ...each(`${MAIN}.securityContext.procMount`, ["Default", "Unmasked"], [["spec.hostUsers", false]]),
  ...each(`${MAIN}.securityContext.seLinuxOptions`, [{}, { level: "s0:c1,c2" }]),
  ...each("spec.securityContext.seLinuxOptions", [{}, { level: "s0:c1,c2" }]),
  ...each("spec.securityContext.seLinuxChangePolicy", ["", "Recursive", "MountOption", "a"]),
  ...each("spec.securityContext.windowsOptions", [{}, { runAsUserName: "a" }]),
  ...each("spec.securityContext.runAsUserName", ["a"]),
];

export const SECURITY_CASES: readonly Settings[] = [
  ...SECURITY,

  ...each(`${MAIN}.securityContext.appArmorProfile`, [
    { type: "Localhost", localhostProfile: long(4095) },
    { type: "Localhost", localhostProfile: long(4096) },
  ]),
];
