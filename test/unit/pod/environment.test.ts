import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { buildEnvironment } from "../../../src/pod/environment.ts";
import type { KeptObject } from "../../../src/pod/types.ts";
import { decodeKubeObject, type FileKeyReference } from "../../../src/spec/index.ts";
import { CAPACITY, makePod } from "./fixtures.ts";

const FACTS = {
  nodeName: "node",
  hostAddresses: ["192.0.2.1"],
  podAddresses: ["10.77.0.2", "fd77::2"],
  allocatable: CAPACITY,
  machineMemoryBytes: 2 ** 33,
};

const kept = (kind: string, name: string, fields: object): KeptObject =>
  decodeKubeObject({ apiVersion: "v1", kind, metadata: { name }, ...fields }) as KeptObject;

const OBJECTS: readonly KeptObject[] = [
  kept("ConfigMap", "web", { data: { b: "2", a: "1", "dotted.key-x": "d" }, binaryData: { bin: "AP8=" } }),
  kept("Secret", "login", { stringData: { user: "me", a: "from secret" } }),
  kept("Secret", "nul", { data: { token: "YQBi", fine: "eA==" } }),
];

const files = ({ volumeName, path, key }: FileKeyReference): string | undefined =>
  path === "a.env" && key === "A" ? `A of ${volumeName}` : undefined;

function build(container: object) {
  const volumes = [{ name: "data" }, { name: "host", hostPath: { path: "/srv" } }];
  const pod = makePod({ volumes, containers: [{ name: "web", image: "podrun.local/base", ...container }] });
  const objects = {
    find: (kind: string, namespace: string, name: string) =>
      OBJECTS.find(
        ({ kind: its, metadata }) => its === kind && metadata.namespace === namespace && metadata.name === name,
      ) as never,
  };
  return buildEnvironment(pod, pod.spec.containers[0]!, { facts: FACTS, objects, files });
}

const ref = (name: string, from: object) => ({ name, valueFrom: from });
const failure = (container: object): PodrunError => {
  try {
    build(container);
  } catch (error) {
    if (error instanceof PodrunError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

t.test(
  "envFrom takes every key of data with its prefix, later sources win, env wins over all and may use them",
  async (t) => {
    const env = build({
      envFrom: [
        { configMapRef: { name: "web" } },
        { prefix: "L_", secretRef: { name: "login" } },
        { secretRef: { name: "login" } },
      ],
      env: [
        { name: "b", value: "own" },
        { name: "both", value: "$(a)/$(L_user)/$(bin)" },
      ],
    });
    t.same(Object.fromEntries(env), {
      "dotted.key-x": "d",
      L_a: "from secret",
      L_user: "me",
      a: "from secret",
      user: "me",
      b: "own",
      both: "from secret/me/$(bin)",
    });
  },
);

t.test("a variable that is set again takes its later place, where the ones before it are known", async (t) => {
  const env = build({
    envFrom: [{ configMapRef: { name: "web" } }],
    env: [{ name: "a", value: "own" }],
  });
  t.same(env.at(-1), ["a", "own"]);
  t.equal(env.filter(([name]) => name === "a").length, 1);
});

t.test("one key of a ConfigMap or Secret; what is optional and missing leaves no variable", async (t) => {
  t.same(
    build({
      envFrom: [{ configMapRef: { name: "none", optional: true } }],
      env: [
        ref("A", { configMapKeyRef: { name: "web", key: "a" } }),
        ref("U", { secretKeyRef: { name: "login", key: "user" } }),
        ref("NO_OBJECT", { secretKeyRef: { name: "none", key: "x", optional: true } }),
        ref("NO_KEY", { configMapKeyRef: { name: "web", key: "x", optional: true } }),
        ref("BINARY", { configMapKeyRef: { name: "web", key: "bin", optional: true } }),
        { name: "AFTER", value: "$(A)$(NO_KEY)" },
      ],
    }),
    [
      ["A", "1"],
      ["U", "me"],
      ["AFTER", "1$(NO_KEY)"],
    ],
  );
});

t.test("what is missing is told in the kubelet's words", async (t) => {
  const cases = [
    [{ envFrom: [{ configMapRef: { name: "none" } }] }, 'configmap "none" not found'],
    [{ envFrom: [{ secretRef: { name: "none" } }] }, 'secret "none" not found'],
    [
      { env: [ref("A", { configMapKeyRef: { name: "web", key: "x" } })] },
      "couldn't find key x in ConfigMap default/web",
    ],
    [
      { env: [ref("A", { configMapKeyRef: { name: "web", key: "bin" } })] },
      "couldn't find key bin in ConfigMap default/web",
    ],
    [{ env: [ref("A", { secretKeyRef: { name: "login", key: "x" } })] }, "couldn't find key x in Secret default/login"],
    // Another kind of the same name is another object.
    [{ env: [ref("A", { secretKeyRef: { name: "web", key: "a" } })] }, 'secret "web" not found'],
  ] as const;
  for (const [container, message] of cases) t.match(failure(container), { code: "NotFound", message });
});

t.test("a value with a NUL byte is refused by its key, and is not shown", async (t) => {
  const error = failure({ envFrom: [{ secretRef: { name: "nul" } }] });
  t.match(error, { code: "InvalidObject", message: /^key token of secret "nul" has a NUL byte/ });
  t.notMatch(`${error.message} ${JSON.stringify(error.details)}`, /YQBi|a\0b/);
});

t.test(
  "sources that are none or two, unknown fields and divisors that are none are refused by the manifest's path",
  async (t) => {
    const refused = (container: object, message: RegExp): void => {
      t.throws(() => build(container), { message }, String(message));
    };
    refused({ envFrom: [{ prefix: "A" }] }, /envFrom\[0\]: must have exactly one of configMapRef and secretRef/);
    refused({ envFrom: [{ configMapRef: { name: "a" }, secretRef: { name: "b" } }] }, /must have exactly one of/);
    refused({ envFrom: [{ configMapRef: { name: "a" }, prefix: "A=" }] }, /envFrom\[0\]\.prefix: "A=" is not/);
    refused(
      { env: [ref("A", {})] },
      /must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef and file/,
    );
    refused(
      { env: [ref("A", { configMapKeyRef: { name: "a", key: "b" }, secretKeyRef: { name: "a", key: "b" } })] },
      /must have exactly one of/,
    );
    refused({ env: [ref("A", { configMapKeyRef: { name: "a" } })] }, /configMapKeyRef\.key: required, but missing/);
    refused({ env: [ref("A", { configMapKeyRef: { name: "a", key: "../b" } })] }, /configMapKeyRef\.key: "\.\.\/b"/);
    const file = (change: object) => ({
      env: [ref("A", { fileKeyRef: { volumeName: "data", path: "a.env", key: "A", ...change } })],
    });
    refused(file({ volumeName: "none" }), /fileKeyRef\.volumeName: no volume "none" in spec\.volumes/);
    refused(file({ volumeName: "host" }), /fileKeyRef\.volumeName: volume "host" is no emptyDir/);
    refused(file({ path: "../a.env" }), /fileKeyRef\.path: "\.\.\/a\.env"/);
    refused(file({ key: "A=B" }), /fileKeyRef\.key: "A=B" is not/);
    refused({ env: [ref("A", { fieldRef: { fieldPath: "status.phase" } })] }, /"status\.phase" can't be read here/);
    refused(
      { env: [ref("A", { resourceFieldRef: { resource: "limits.cpu", divisor: "1Mi" } })] },
      /resourceFieldRef\.divisor: "1Mi" is no divisor of limits\.cpu: 0, 1m, 1/,
    );
  },
);

t.test("fileKeyRef takes a key of a file; without it the variable is missing or the container waits", async (t) => {
  const file = (path: string, optional?: boolean) =>
    ref("V", { fileKeyRef: { volumeName: "data", path, key: "A", ...(optional !== undefined && { optional }) } });
  t.same(build({ env: [file("a.env")] }), [["V", "A of data"]]);
  t.same(build({ env: [file("b.env", true)] }), []);
  t.match(failure({ env: [file("b.env")] }), {
    code: "NotFound",
    message: 'couldn\'t find key A in file "b.env" of volume "data"',
  });
});

t.test("resourceFieldRef divides and rounds up", async (t) => {
  const resources = { limits: { cpu: "1500m", memory: "100Mi" } };
  const value = (resource: string, divisor?: string) =>
    build({ resources, env: [ref("A", { resourceFieldRef: { resource, ...(divisor && { divisor }) } })] })[0]?.[1];
  t.equal(value("limits.cpu"), "2");
  t.equal(value("limits.cpu", "1m"), "1500");
  t.equal(value("limits.memory", "1Mi"), "100");
  t.equal(value("requests.memory", "1G"), "1");
});
