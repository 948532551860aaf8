// Lists as the rows that kubectl prints (meta.k8s.io/v1 Table): a thousand pods are 90 kB so, and 2.5 MB whole.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { Pod } from "../spec/pod.ts";
import { POD_COLUMNS, podRow, rowFacts } from "../spec/pod-row.ts";
import { jsonOf } from "./json-of.ts";
import { sendJsonText, type Target } from "./request.ts";

/** What a row has of its object (TableOptions.includeObject). */
const OBJECTS: Readonly<Record<string, (pod: Pod) => string>> = {
  None: () => "",
  Metadata: ({ metadata }) =>
    `,"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)}}`,
  Object: (pod) => `,"object":${jsonOf(pod).toString()}`,
};

/** `Accept: application/json;as=Table;v=v1;g=meta.k8s.io`, as one of several types that would do. */
export const wantsTable = ({ headers: { accept = "" } }: IncomingMessage): boolean =>
  accept.split(",").some((type) => {
    const [name, ...parameters] = type.split(";").map((part) => part.trim());
    return name === "application/json" && TABLE.every((one) => parameters.includes(one));
  });

const TABLE = ["as=Table", "v=v1", "g=meta.k8s.io"];

const COLUMNS = JSON.stringify(
  POD_COLUMNS.map(({ name, description, isWide }, at) => ({
    name,
    type: "string",
    format: at === 0 ? "name" : "",
    description,
    priority: isWide ? 1 : 0,
  })),
);

/** Throws BadRequest for another `includeObject` than None, Metadata (the default), Object. */
export function sendPodTable(
  response: ServerResponse,
  { query }: Target,
  resourceVersion: string,
  pods: readonly Pod[],
): void {
  const include = query.get("includeObject") ?? "Metadata";
  const objectOf = Object.hasOwn(OBJECTS, include) ? OBJECTS[include] : undefined;
  if (objectOf === undefined)
    throw new PodrunError(
      "BadRequest",
      `query parameter includeObject is "${include}": want ${Object.keys(OBJECTS).join(", ")}`,
    );
  const facts = rowFacts();
  const rows = pods.map((pod) => `{"cells":${JSON.stringify(podRow(pod, facts))}${objectOf(pod)}}`);
  const metadata = JSON.stringify({ resourceVersion });
  const head = `"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${metadata},"columnDefinitions":${COLUMNS}`;
  sendJsonText(response, 200, `{${head},"rows":[${rows.join(",")}]}`);
}
