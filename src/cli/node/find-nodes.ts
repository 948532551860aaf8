import type { ObjectClient } from "../../api/client-objects.ts";
import type { KubeNode } from "../../spec/node.ts";
import { UsageError } from "../arguments.ts";

/** Nodes by name, `node/NAME` too, or by their labels. Throws UsageError, NotFound. */
export async function findNodes(
  client: ObjectClient,
  words: readonly string[],
  { selector, all = false }: { readonly selector: string | undefined; readonly all?: boolean },
): Promise<readonly KubeNode[]> {
  if (words.length > 0 && (selector !== undefined || all))
    throw new UsageError("a node's name cannot be given together with --selector or --all");
  if (words.length === 0) return client.list("Node", { labelSelector: selector });
  const names = words.map((word) => word.replace(/^(nodes?|no)\//i, ""));
  return Promise.all([...new Set(names)].map((name) => client.get("Node", "", name)));
}
