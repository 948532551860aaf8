// Raw pods for the tests of this folder: right as they are, to be bent by each test.

import { PodrunError } from "../../../src/base/errors.ts";
import { decodePod, type Pod, parseManifests } from "../../../src/spec/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: raw input has any shape, and tests put anything into it
export type Raw = any;

export interface RawPod {
  spec?: Raw;
  container?: Raw;
  metadata?: Raw;
}

/** The smallest right pod, with fields of the spec, the metadata and its one container added. */
export function rawPod({ spec, container, metadata }: RawPod = {}): Raw {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", ...metadata },
    spec: { containers: [{ name: "web", image: "podrun.local/base:1", ...container }], ...spec },
  };
}

export const pod = (parts: RawPod = {}): Pod => decodePod(rawPod(parts));

/** The problems that decoding finds; fails when it finds none. */
export function problemsOf(raw: unknown): readonly string[] {
  return errorOf(() => decodePod(raw)).details["problems"] as readonly string[];
}

/** The PodrunError that a function throws; anything else is a failure of the test. */
export function errorOf(run: () => unknown): PodrunError {
  try {
    run();
  } catch (error) {
    if (error instanceof PodrunError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The one document of a manifest, decoded. */
export function decodeText(text: string): Pod {
  const [document] = parseManifests(text, "pod.yaml");
  if (document === undefined) throw new Error("no document");
  return decodePod(document.object, document.source);
}

/** A pod with nearly every field that podrun takes. */
export const EVERYTHING: RawPod = {
  spec: {
    restartPolicy: "OnFailure",
    terminationGracePeriodSeconds: 0,
    hostname: "h",
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["10.0.0.1"], searches: ["a.b"], options: [{ name: "ndots", value: "2" }] },
    hostAliases: [{ ip: "10.0.0.2", hostnames: ["db"] }],
    subdomain: "s",
    shareProcessNamespace: true,
    enableServiceLinks: false,
    volumes: [
      { name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "h", hostPath: { path: "/", type: "Directory" } },
    ],
    securityContext: {
      runAsUser: 1,
      runAsGroup: 2,
      supplementalGroups: [3],
      seccompProfile: { type: "RuntimeDefault" },
    },
  },
  container: {
    command: ["sh"],
    args: ["-c", "echo $(A)"],
    workingDir: "/",
    env: [
      { name: "A", value: "1" },
      { name: "B", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
    ],
    ports: [{ containerPort: 80, name: "http" }],
    resources: { limits: { cpu: 1, memory: "64Mi" }, requests: { cpu: "100m" } },
    stdin: true,
    stdinOnce: true,
    tty: true,
    imagePullPolicy: "Never",
    volumeMounts: [
      { name: "m", mountPath: "/m" },
      { name: "h", mountPath: "/h", readOnly: true },
    ],
    securityContext: {
      privileged: true,
      readOnlyRootFilesystem: true,
      capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
    },
  },
};
