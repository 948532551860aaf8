// Probes in one line each, as `kubectl describe` words them.
import type { Container, Probe } from "../../spec/pod.ts";

type Line = readonly [label: string, value: string];

export function probeLines({ livenessProbe, readinessProbe, startupProbe }: Container): readonly Line[] {
  const line = (label: string, probe: Probe | undefined): Line[] => (probe ? [[label, wordProbe(probe)]] : []);
  return [
    ...line("Liveness:", livenessProbe),
    ...line("Readiness:", readinessProbe),
    ...line("Startup:", startupProbe),
  ];
}

function wordProbe(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds, periodSeconds, successThreshold, failureThreshold } = probe;
  const times = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s`;
  return `${wordAction(probe)} ${times} #success=${successThreshold} #failure=${failureThreshold}`;
}

function wordAction({ exec, httpGet, tcpSocket, grpc }: Probe): string {
  if (exec) return `exec [${(exec.command ?? []).join(" ")}]`;
  if (httpGet) {
    const { scheme, host = "", port, path } = httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path.startsWith("/") ? "" : "/"}${path}`;
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`;
  return grpc ? `grpc <pod>:${grpc.port} ${grpc.service ?? ""}`.trimEnd() : "unknown";
}
