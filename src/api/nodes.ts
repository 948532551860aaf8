// `/api/v1/nodes`: the one node that there is, read only.
import type { ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { parseLabelSelector } from "../spec/labels.ts";
import type { ApiContext } from "./context.ts";
import { sendJson, type Target } from "./request.ts";

export function listNodes({ node }: ApiContext, response: ServerResponse, { query }: Target): void {
  const only = node();
  const selector = query.get("labelSelector") ?? "";
  const isMeant = selector === "" || parseLabelSelector(selector)(only.metadata.labels);
  const metadata = { resourceVersion: only.metadata.resourceVersion };
  sendJson(response, 200, { kind: "NodeList", apiVersion: "v1", metadata, items: isMeant ? [only] : [] });
}

/** Throws NotFound. */
export function getNode({ node }: ApiContext, response: ServerResponse, name: string): void {
  const only = node();
  if (name !== only.metadata.name)
    throw new PodrunError("NotFound", `nodes "${name}" not found`, { details: { kind: "nodes", name } });
  sendJson(response, 200, only);
}
