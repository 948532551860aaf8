// `/api/v1/nodes`: the one node that there is. It can't be made or deleted.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { NodeService } from "../pod/types.ts";
import type { KubeNode } from "../spec/node.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { patchObject } from "./patch.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { objectFilter } from "./selectors.ts";
import { shown } from "./shown.ts";
import { serveWatch, WatchHub } from "./watch.ts";

export const makeNodeHub = (node: NodeService): WatchHub<KubeNode> =>
  new WatchHub({
    list: () => node.list().map(shown),
    watch: (listener) => node.watch(({ type, object }) => listener({ type, object: shown(object) })),
  });

/** False: the path has no such method. */
export async function serveNodes(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  name: string | undefined,
): Promise<boolean> {
  const { node } = context;
  const { method } = target;
  if (name === undefined && method === "GET") listNodes(context, response, target);
  else if (name === undefined && method === "POST") node.create(decodeInto("Node", await readJson(request), ""));
  else if (name === undefined) return false;
  else if (method === "GET") sendJson(response, 200, shown(node.get(name)));
  else if (method === "PUT") {
    const wanted = decodeInto("Node", await readJson(request), "", name);
    sendJson(response, 200, shown(node.replace(wanted, { dryRun: isDryRun(target.query) })));
  } else if (method === "PATCH")
    await patchObject(context, request, response, target, { kind: "Node", namespace: "", name });
  else if (method === "DELETE") throw refuseDeletion(node.get(name));
  else return false;
  return true;
}

function listNodes({ node, nodeHub }: ApiContext, response: ServerResponse, { query }: Target): void {
  const filter = objectFilter("Node", undefined, query);
  if (serveWatch(nodeHub, response, filter, query)) return;
  const [only] = node.list();
  const metadata = { resourceVersion: only.metadata.resourceVersion };
  sendJson(response, 200, { kind: "NodeList", apiVersion: "v1", metadata, items: [only].filter(filter).map(shown) });
}

const refuseDeletion = ({ metadata: { name } }: KubeNode): PodrunError =>
  new PodrunError("Forbidden", `nodes "${name}" is forbidden: it is this machine`, {
    details: { kind: "nodes", name },
  });
