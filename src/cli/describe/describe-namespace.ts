import type { Namespace } from "../../spec/namespace.ts";
import { formatMap } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

/** A Namespace as `kubectl describe namespace` lays it out. */
export function describeNamespace({ metadata, status }: Namespace): string {
  const head = layOut(
    [
      ["Name:", metadata.name],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
      ["Status:", status.phase],
    ],
    0,
  );
  return `${head}\nNo resource quota.\n\nNo LimitRange resource.\n`;
}
