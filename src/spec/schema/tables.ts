// The tables of fields by the kind that they are of.

import type { KindName } from "../kinds.ts";
import { CONFIG_MAP } from "./config-map-fields.ts";
import { NAMESPACE } from "./namespace-fields.ts";
import { NODE } from "./node-fields.ts";
import { POD } from "./pod-fields.ts";
import { PRIORITY_CLASS } from "./priority-class-fields.ts";
import { SECRET } from "./secret-fields.ts";
import type { ObjectType } from "./shape.ts";

/** Of kinds that manifests have. */
export const TABLES: Readonly<Partial<Record<KindName, ObjectType>>> = {
  ConfigMap: CONFIG_MAP,
  Namespace: NAMESPACE,
  Node: NODE,
  Pod: POD,
  PriorityClass: PRIORITY_CLASS,
  Secret: SECRET,
};
