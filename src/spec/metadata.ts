// Metadata as every kind has it.

import type { OBJECT_META } from "./schema/metadata-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";

export interface ObjectMeta extends ObjectValue<typeof OBJECT_META> {}
