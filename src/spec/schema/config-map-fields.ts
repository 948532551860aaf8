// Fields of a ConfigMap (Kubernetes core/v1 ConfigMap).

import { OBJECT_META } from "./metadata-fields.ts";
import { flag, map, object, objectType, oneOf, text } from "./shape.ts";

export const CONFIG_MAP = objectType({
  name: "ConfigMap",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["ConfigMap"], { required: true }),
    metadata: object(OBJECT_META, { required: true }),
    data: map(text(), { keyFormat: "configKey", note: "text; at most 1 MiB in all, with `binaryData`" }),
    binaryData: map(text(), { keyFormat: "configKey", note: "values in base64; no key of `data`" }),
    immutable: flag({ note: "once true, it and the data stay as they are" }),
  },
});
