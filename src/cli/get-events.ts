// `get events`: the columns that kubectl has there, which are others than those of `events`.
import type { KubeEvent } from "../api/client.ts";
import { formatAge } from "../base/age.ts";
import { messageOf, type Shown } from "./events.ts";
import type { Column } from "./output/object-table.ts";

const age = (time: string): string => formatAge(time, Date.now());
const objectOf = ({ involvedObject: { kind, name } }: KubeEvent): string => `${kind.toLowerCase()}/${name}`;

const LAST_SEEN: readonly Column<Shown>[] = [
  ["LAST SEEN", ({ lastTimestamp }) => age(lastTimestamp)],
  ["TYPE", ({ type }) => type],
  ["REASON", ({ reason }) => reason],
  ["OBJECT", objectOf],
];

const MESSAGE: Column<Shown> = ["MESSAGE", messageOf];

const WIDE: readonly Column<Shown>[] = [
  ["SUBOBJECT", ({ involvedObject }) => involvedObject.fieldPath ?? ""],
  ["SOURCE", ({ source }) => [source.component, source.host].filter(Boolean).join(", ")],
  MESSAGE,
  ["FIRST SEEN", ({ firstTimestamp }) => age(firstTimestamp)],
  ["COUNT", ({ count }) => String(count)],
  ["NAME", ({ metadata }) => metadata.name],
];

export const eventColumns = (wide: boolean): readonly Column<Shown>[] => [...LAST_SEEN, ...(wide ? WIDE : [MESSAGE])];
