// The events resource: what happened to pods, oldest first.
import type { ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { KubeEvent, PodService } from "../pod/types.ts";
import type { ApiContext } from "./context.ts";
import { sendJson, type Target } from "./request.ts";
import { parseFieldSelector } from "./selectors.ts";
import { serveWatch, WatchHub } from "./watch.ts";

export const makeEventHub = (pods: PodService): WatchHub<KubeEvent> =>
  new WatchHub({
    list: () => pods.events(),
    watch: (listener) => pods.watchEvents(listener),
    remember: () => undefined,
  });

const EVENT_FIELDS: Readonly<Record<string, (event: KubeEvent) => string>> = {
  "involvedObject.kind": (event) => event.involvedObject.kind,
  "involvedObject.name": (event) => event.involvedObject.name,
  "involvedObject.namespace": (event) => event.involvedObject.namespace,
  "involvedObject.uid": (event) => event.involvedObject.uid,
  "involvedObject.fieldPath": (event) => event.involvedObject.fieldPath ?? "",
  "metadata.name": (event) => event.metadata.name,
  "metadata.namespace": (event) => event.metadata.namespace,
  reason: (event) => event.reason,
  type: (event) => event.type,
};

/** `GET …/events`, in one namespace or (undefined) in all. */
export function listEvents(
  context: ApiContext,
  response: ServerResponse,
  namespace: string | undefined,
  target: Target,
): void {
  const terms = parseFieldSelector(target.query.get("fieldSelector") ?? "").map((term) => {
    const read = EVENT_FIELDS[term.field];
    if (read === undefined)
      throw new PodrunError(
        "BadRequest",
        `field selector "${term.field}" is not supported for events: want one of ${Object.keys(EVENT_FIELDS).join(", ")}`,
      );
    return { ...term, read };
  });
  const filter = (event: KubeEvent): boolean =>
    (namespace === undefined || event.metadata.namespace === namespace) &&
    terms.every((term) => (term.read(event) === term.value) === term.equal);
  if (serveWatch(context.eventHub, response, filter, target.query)) return;
  const items = context.pods.events().filter(filter);
  const metadata = { resourceVersion: context.eventHub.resourceVersion() };
  sendJson(response, 200, { kind: "EventList", apiVersion: "v1", metadata, items });
}
