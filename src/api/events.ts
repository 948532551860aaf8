// The events resource: what happened to pods, oldest first.
import type { ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { KubeEvent } from "../pod/types.ts";
import type { ApiContext } from "./context.ts";
import { sendJson, type Target } from "./request.ts";
import { parseFieldSelector } from "./selectors.ts";

const EVENT_FIELDS: Readonly<Record<string, (event: KubeEvent) => string>> = {
  "involvedObject.kind": (event) => event.involvedObject.kind,
  "involvedObject.name": (event) => event.involvedObject.name,
  "involvedObject.namespace": (event) => event.involvedObject.namespace,
  "involvedObject.uid": (event) => event.involvedObject.uid,
  "metadata.name": (event) => event.metadata.name,
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
  const name = terms.find((term) => term.field === "involvedObject.name" && term.equal)?.value;
  const filter = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { involvedName: name }),
  };
  const items = context.pods
    .events(filter)
    .filter((event) => terms.every((term) => (term.read(event) === term.value) === term.equal));
  sendJson(response, 200, { kind: "EventList", apiVersion: "v1", metadata: {}, items });
}
