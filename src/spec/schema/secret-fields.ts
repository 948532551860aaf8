// Fields of a Secret (Kubernetes core/v1 Secret).

import { OBJECT_META } from "./metadata-fields.ts";
import { flag, map, object, objectType, oneOf, text } from "./shape.ts";

export const SECRET = objectType({
  name: "Secret",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["Secret"], { required: true }),
    metadata: object(OBJECT_META, { required: true }),
    type: text({ default: "Opaque", note: "can't be changed later" }),
    data: map(text(), { keyFormat: "configKey", secret: true, note: "values in base64; at most 1 MiB in all" }),
    stringData: map(text(), {
      keyFormat: "configKey",
      secret: true,
      note: "plain text; goes into `data`, and wins over it; never shown",
    }),
    immutable: flag({ note: "once true, it and the data stay as they are" }),
  },
});
