import type { ContainerStatus as RuntimeContainer } from "../../sandbox/types.ts";
import type { Container, LifecycleHandler, Pod, ProbeHandler } from "../../spec/index.ts";
import type { Node } from "../node.ts";
import { execCommand } from "./exec-command.ts";
import { checkGrpc } from "./grpc-health.ts";
import { httpGet } from "./http-get.ts";
import type { Outcome } from "./outcome.ts";
import { dialTcp } from "./tcp-socket.ts";

/** Who an action is for. */
export interface HandlerSubject {
  readonly node: Node;
  readonly pod: Pod;
  readonly container: Container;
  readonly run: RuntimeContainer;
}

/** One action of a probe or a hook. */
export type Handler = {
  readonly [K in keyof (ProbeHandler & LifecycleHandler)]?: (ProbeHandler & LifecycleHandler)[K];
};

/**
 * Carries one action out. It ends, as a failure, when the signal comes; `late` says what that means for a command. Commands
 * run in the container, everything else is dialled by the daemon. Never rejects.
 */
export async function runHandler(
  handler: Handler,
  subject: HandlerSubject,
  signal: AbortSignal,
  late: string,
): Promise<Outcome> {
  const { exec, httpGet: http, tcpSocket, grpc, sleep } = handler;
  if (exec) return execCommand(subject.node.runtime, subject.run.id, exec.command ?? [], signal, late);
  if (sleep) return rest(subject.node, sleep.seconds, signal);
  const host = http?.host ?? tcpSocket?.host ?? podAddress(subject);
  if (host === undefined) return { result: "unknown", message: "the pod has no address" };
  if (grpc) return checkGrpc(host, grpc.port, grpc.service ?? "", signal);
  const port = resolvePort(http?.port ?? tcpSocket?.port, subject.container);
  if (port === undefined)
    return { result: "unknown", message: `the container has no port "${http?.port ?? tcpSocket?.port}"` };
  if (!http) return dialTcp(host, port, signal);
  return httpGet({ scheme: http.scheme, host, port, path: http.path, headers: http.httpHeaders ?? [] }, signal);
}

function podAddress({ node, pod }: HandlerSubject): string | undefined {
  const { addresses } = node.runtime.sandboxStatus(pod.metadata.uid);
  return addresses[0] ?? node.facts.addresses[0];
}

const resolvePort = (port: number | string | undefined, container: Container): number | undefined =>
  typeof port === "string" ? container.ports?.find(({ name }) => name === port)?.containerPort : port;

/** Time that passes; nothing can go wrong with it. */
function rest(node: Node, seconds: number, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve({ result: "success", message: "" });
    };
    const cancel = node.timers.after(seconds * 1000, end);
    signal.addEventListener("abort", end);
  });
}
