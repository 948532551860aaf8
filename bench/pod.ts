// The pod that is measured, the same for every contender.

export const IMAGE = "podrun.local/base";
export const SLEEP = ["/bin/sleep", "100000"] as const;
export const TRUE = ["/bin/true"] as const;
/** It is there in every instance. */
export const NAMESPACE = "default";
export const CONTAINERS = ["one", "two"] as const;

/** Bytes, and thousandths of a CPU: limits and requests of each container. floor.c has the same. */
export const MEMORY_LIMIT = 64 * 1024 * 1024;
export const CPU_REQUEST_MILLIS = 100;

export const podName = (pod: number): string => `pod-${pod}`;

export function podManifest(pod: number, image = IMAGE): object {
  const resources = { requests: { cpu: `${CPU_REQUEST_MILLIS}m`, memory: "64Mi" }, limits: { memory: "64Mi" } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName(pod), namespace: NAMESPACE },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: CONTAINERS.map((name) => ({
        name,
        image,
        imagePullPolicy: "IfNotPresent",
        command: SLEEP,
        resources,
      })),
    },
  };
}
