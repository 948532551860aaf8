import { type Pod, placedContainers } from "../spec/index.ts";

type Stage = "started" | "completed" | "error" | "Deferred" | "Infeasible";

/** An event's text of a resize, as the kubelet words it: what containers are given, as JSON. */
export function resizeMessage(pod: Pod, stage: Stage, error?: string): string {
  const of = (wanted: "main" | "sidecar") =>
    placedContainers(pod.spec)
      .filter(({ role }) => role === wanted)
      .map(({ container: { name, resources } }) => ({ name, resources }));
  const sidecars = of("sidecar");
  const summary = {
    ...(sidecars.length > 0 && { initContainers: sidecars }),
    containers: of("main"),
    generation: pod.metadata.generation ?? 1,
    ...(error !== undefined && { error }),
  };
  return `Pod resize ${stage}: ${JSON.stringify(summary)}`;
}
