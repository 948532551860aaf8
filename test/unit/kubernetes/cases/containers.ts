// Containers, and when they start again.
import { each, many, type Settings } from "./case.ts";
import { NAMES } from "./pods.ts";

const MAIN = "spec.containers.0";
const SECOND = { name: "second", image: "podrun.local/base" };

const CONTAINER: Settings[] = [
  ...each(`${MAIN}.name`, NAMES),
  ...each(`${MAIN}.image`, [
    "",
    null,
    "a",
    " a",
    "a ",
    "a b",
    "A",
    "a:b",
    "a:",
    "a@sha256:b",
    "a:latest",
    "a:1",
    "host:5000/a",
    "host:5000/a:latest",
    "host:5000/a:2",
    `a@sha256:${"0".repeat(64)}`,
    `a:latest@sha256:${"0".repeat(64)}`,
    "a\n",
    1,
    "http://a",
    "a:5000/b@c",
    "UPPER/b",
    "a/b/c/d:v1.2.3",
    "library/nginx:1.27-alpine",
    "nginx:latest@sha256:abc",
    "::",
  ]),
  ...each(`${MAIN}.imagePullPolicy`, ["", null, "Always", "IfNotPresent", "Never", "always"]),
  ...each(`${MAIN}.command`, [null, [], "a", ["a"], [""], [1], [null], [true], ["a\u0000b"], [["a"]]]),
  ...each(`${MAIN}.args`, [null, [], "a", ["a"], [""], [1], [null]]),
  ...each(`${MAIN}.workingDir`, ["", "/a", "a", "./a", "/a/../b", "C:\\a", "/a\u0000"]),
  ...each(`${MAIN}.terminationMessagePath`, ["", null, "/a", "a", "/", "/a:b", "../a", "/dev/termination-log"]),
  ...each(`${MAIN}.terminationMessagePolicy`, ["", null, "File", "FallbackToLogsOnError", "file"]),
  ...["stdin", "stdinOnce", "tty"].flatMap((name) => each(`${MAIN}.${name}`, [true, false, null, "true"])),
  ...each(`${MAIN}.unknown`, [1]),
  ...each(`${MAIN}.volumeDevices`, [[], [{ name: "a", devicePath: "/a" }]]),
  ...each("spec.containers.1", [SECOND, { ...SECOND, name: "main" }, { name: "second" }, {}]),
  ...each(`${MAIN}.ports`, [
    null,
    [],
    [{}],
    [{ containerPort: 80 }],
    [{ containerPort: 0 }],
    [{ containerPort: 65535 }],
    [{ containerPort: 65536 }],
    [{ containerPort: -1 }],
    [{ containerPort: "80" }],
    [{ containerPort: 80.5 }],
    [{ hostPort: 80 }],
    [{ containerPort: 80, hostPort: 80 }],
    [{ containerPort: 80, hostPort: 0 }],
    [{ containerPort: 80, hostPort: -1 }],
    [{ containerPort: 80, hostPort: 65536 }],
    [{ containerPort: 80, protocol: "tcp" }],
    [{ containerPort: 80, protocol: "UDP" }],
    [{ containerPort: 80, protocol: "SCTP" }],
    [{ containerPort: 80, protocol: "" }],
    [{ containerPort: 80, protocol: "ICMP" }],
    [{ containerPort: 80, hostIP: "192.0.2.1" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "a" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "192.0.2.01" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "::1" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "0.0.0.0" }],
    [{ containerPort: 80, hostPort: 80, hostIP: "127.0.0.1" }],
    ...[
      "",
      "a",
      "A",
      "http",
      "http-alt",
      "a--b",
      "-a",
      "a-",
      "1",
      "1a",
      "123456789012345",
      "12345678901234a",
      "123456789012345a",
      "a_b",
      "a.b",
      null,
      80,
    ].map((name) => [{ name, containerPort: 80 }]),
    [{ containerPort: 80 }, { containerPort: 80 }],
    [{ containerPort: 80 }, { containerPort: 80, protocol: "UDP" }],
    [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 80, hostPort: 8081 },
    ],
    [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 81, hostPort: 8080 },
    ],
    [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 81, hostPort: 8080, protocol: "UDP" },
    ],
    [
      { containerPort: 80, hostPort: 8080, hostIP: "192.0.2.1" },
      { containerPort: 81, hostPort: 8080, hostIP: "192.0.2.2" },
    ],
    [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 81, hostPort: 8080, hostIP: "192.0.2.2" },
    ],
    [
      { name: "a", containerPort: 80 },
      { name: "a", containerPort: 81 },
    ],
    [
      { name: "a", containerPort: 80 },
      { name: "a", containerPort: 80 },
    ],
  ]),
  ...each(
    `${MAIN}.ports`,
    [
      [{ containerPort: 80 }],
      [{ containerPort: 80, hostPort: 80 }],
      [{ containerPort: 80, hostPort: 81 }],
      [{ containerPort: 80 }, { containerPort: 80 }],
    ],
    [["spec.hostNetwork", true]],
  ),
  ...each(
    "spec.containers.1",
    [
      { ...SECOND, ports: [{ containerPort: 80 }] },
      { ...SECOND, ports: [{ name: "a", containerPort: 81 }] },
      { ...SECOND, ports: [{ containerPort: 81, hostPort: 8080 }] },
    ],
    [[`${MAIN}.ports`, [{ name: "a", containerPort: 80, hostPort: 8080 }]]],
  ),
  ...each(
    "spec.containers.1",
    [
      { ...SECOND, ports: [{ containerPort: 80 }] },
      { ...SECOND, ports: [{ containerPort: 80, protocol: "UDP" }] },
    ],
    [
      ["spec.hostNetwork", true],
      [`${MAIN}.ports`, [{ containerPort: 80 }]],
    ],
  ),
  ...each(
    "spec.initContainers.0",
    [
      { ...SECOND, ports: [{ containerPort: 81, hostPort: 8080 }] },
      { ...SECOND, restartPolicy: "Always", ports: [{ containerPort: 81, hostPort: 8080 }] },
    ],
    [[`${MAIN}.ports`, [{ containerPort: 80, hostPort: 8080 }]]],
  ),
];

const RULE = { action: "Restart", exitCodes: { operator: "In", values: [1] } };

const SIDECAR = { name: "side", image: "a", restartPolicy: "Always" };

const RESTART: Settings[] = [
  ...each(`${MAIN}.restartPolicy`, ["", null, "Always", "OnFailure", "Never", "never"]),
  ...each(`${MAIN}.restartPolicyRules`, [[], [RULE]]),
  ...each(
    `${MAIN}.restartPolicyRules`,
    [
      [],
      [RULE],
      [{}],
      [{ action: "Restart" }],
      [{ action: "Stop", exitCodes: RULE.exitCodes }],
      [{ action: "RestartAllContainers", exitCodes: RULE.exitCodes }],
      [{ exitCodes: RULE.exitCodes }],
      [{ action: "Restart", exitCodes: {} }],
      [{ action: "Restart", exitCodes: { operator: "In" } }],
      [{ action: "Restart", exitCodes: { operator: "In", values: [] } }],
      [{ action: "Restart", exitCodes: { operator: "NotIn", values: [0, 255] } }],
      [{ action: "Restart", exitCodes: { operator: "In", values: [256] } }],
      [{ action: "Restart", exitCodes: { operator: "In", values: [-1] } }],
      [{ action: "Restart", exitCodes: { operator: "Gt", values: [1] } }],
      [{ action: "Restart", exitCodes: { operator: "In", values: [1, 1] } }],
      [{ action: "Restart", exitCodes: { values: [1] } }],
      many(20, RULE),
      many(21, RULE),
    ],
    [[`${MAIN}.restartPolicy`, "Never"]],
  ),
  ...["Always", "OnFailure", "Never"].flatMap((pod) =>
    each(`${MAIN}.restartPolicy`, ["Always", "OnFailure", "Never"], [["spec.restartPolicy", pod]]),
  ),
  ...each("spec.initContainers.0", [
    SIDECAR,
    { ...SIDECAR, restartPolicy: "OnFailure" },
    { ...SIDECAR, restartPolicy: "Never" },
    { ...SIDECAR, restartPolicy: "never" },
    { ...SIDECAR, restartPolicyRules: [RULE] },
    { ...SIDECAR, restartPolicy: "Never", restartPolicyRules: [RULE] },
  ]),
  ...["livenessProbe", "readinessProbe", "startupProbe"].flatMap((probe) => [
    ...each("spec.initContainers.0", [
      { ...SIDECAR, [probe]: { tcpSocket: { port: 80 } } },
      { ...SIDECAR, restartPolicy: undefined, [probe]: { tcpSocket: { port: 80 } } },
    ]),
  ]),
  ...each("spec.initContainers.0", [
    { ...SIDECAR, lifecycle: { preStop: { sleep: { seconds: 1 } } } },
    { ...SIDECAR, restartPolicy: undefined, lifecycle: { preStop: { sleep: { seconds: 1 } } } },
    { ...SIDECAR, restartPolicy: undefined, lifecycle: {} },
  ]),
];

export const CONTAINER_CASES: readonly Settings[] = [...CONTAINER, ...RESTART];
