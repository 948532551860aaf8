import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";

/** Records an event about a pod, or about one of its containers. */
export function record(
  node: Node,
  pod: Pod,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  container?: string,
): void {
  node.events.record(pod.metadata, { type, reason, message, ...(container !== undefined && { container }) });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
