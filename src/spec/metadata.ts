// Metadata as every kind has it.

import type { OBJECT_META } from "./schema/metadata-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";

export interface ObjectMeta extends ObjectValue<typeof OBJECT_META> {
  /** What the manifest had that was applied last; only podrun writes it. */
  managedFields?: AppliedFields[];
}

/**
 * Which fields a manifest had, without their values: `f:NAME` a field, `k:{"name":"web"}` an element of a list by its key; nothing below
 * one: it was taken as a whole (meta/v1 FieldsV1).
 */
export interface FieldSet {
  readonly [path: string]: FieldSet;
}

/** meta/v1 ManagedFieldsEntry. */
export interface AppliedFields {
  readonly manager: "podrun";
  readonly operation: "Apply";
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: FieldSet;
}

/** What is on record of an applied manifest. */
export const recordApplied = (fieldsV1: FieldSet): AppliedFields[] => [
  { manager: "podrun", operation: "Apply", fieldsType: "FieldsV1", fieldsV1 },
];
