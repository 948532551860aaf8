// Rules on probes and lifecycle hooks (pkg/apis/core/validation: validateProbe, validateLifecycle).

import { findPlaced } from "./containers.ts";
import type { Container, LifecycleHandler, Pod, Probe, ProbeHandler } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { quote } from "./schema/format.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

export function validateProbes(container: Container, path: string, { spec }: Pod): Problem[] {
  return PROBES.flatMap((field) => {
    const probe = container[field];
    if (probe === undefined) return [];
    const at = `${path}.${field}`;
    return [...forSidecarsOnly(spec, container, at), ...validateProbe(probe, field, container, at)];
  });
}

function validateProbe(probe: Probe, field: (typeof PROBES)[number], container: Container, path: string): Problem[] {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const problems = validateHandler({ exec, httpGet, tcpSocket, grpc }, container, path);
  if (field !== "readinessProbe" && probe.successThreshold !== 1)
    problems.push(invalid(`${path}.successThreshold`, `${probe.successThreshold} is not possible here; it must be 1`));
  if (field === "readinessProbe" && probe.terminationGracePeriodSeconds !== undefined)
    problems.push(
      invalid(
        `${path}.terminationGracePeriodSeconds`,
        "a readiness probe ends no container, so it has no grace; remove it",
      ),
    );
  return problems;
}

export function validateLifecycle(container: Container, path: string, { spec }: Pod): Problem[] {
  const { lifecycle } = container;
  if (lifecycle === undefined) return [];
  const at = `${path}.lifecycle`;
  const problems = forSidecarsOnly(spec, container, at);
  for (const name of ["postStart", "preStop"] as const) {
    const hook = lifecycle[name];
    if (hook === undefined) continue;
    const hookPath = `${at}.${name}`;
    problems.push(...validateHandler(hook, container, hookPath));
    const { terminationGracePeriodSeconds: grace } = spec;
    const seconds = hook.sleep?.seconds ?? 0;
    if (seconds > grace)
      problems.push(
        invalid(
          `${hookPath}.sleep.seconds`,
          `${seconds} is longer than terminationGracePeriodSeconds, which is ${grace}; make it ${grace} at most`,
        ),
      );
  }
  if (lifecycle.stopSignal !== undefined && spec.os === undefined)
    problems.push(invalid(`${at}.stopSignal`, "needs spec.os.name: linux (a signal's name is the system's)"));
  return problems;
}

/** An init container that is no sidecar ends by itself: nothing watches it, and nothing happens around it. */
function forSidecarsOnly(spec: Pod["spec"], container: Container, path: string): Problem[] {
  const isInit = spec.initContainers?.includes(container) ?? false;
  if (!isInit || findPlaced(spec, container.name)?.role !== "init") return [];
  return [invalid(path, "an init container has this only with restartPolicy: Always; remove one or add the other")];
}

type Handlers = ProbeHandler & LifecycleHandler;

function validateHandler(
  handler: { readonly [K in keyof Handlers]?: Handlers[K] | undefined },
  container: Container,
  path: string,
): Problem[] {
  const given = Object.entries(handler).filter(([, action]) => action !== undefined);
  const names = Object.keys(handler);
  if (given.length !== 1) {
    const what = given.length === 0 ? "has no action" : `has ${given.length} actions`;
    const choice = names.includes("grpc") ? "exec, httpGet, tcpSocket and grpc" : "exec, httpGet, tcpSocket and sleep";
    return [invalid(path, `${what}; give exactly one of ${choice}`)];
  }
  if (handler.exec && (handler.exec.command ?? []).length === 0)
    return [invalid(`${path}.exec.command`, "required: at least one word")];
  const field = handler.httpGet ? "httpGet" : "tcpSocket";
  const named = handler[field]?.port;
  if (typeof named !== "string" || /^\d+$/.test(named)) return [];
  if (container.ports?.some(({ name }) => name === named)) return [];
  return [invalid(`${path}.${field}.port`, `the container has no port named ${quote(named)}`)];
}
