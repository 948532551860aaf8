// Fields of a Namespace (Kubernetes core/v1 Namespace).

import { OBJECT_META } from "./metadata-fields.ts";
import { ignored, list, object, objectType, oneOf, text } from "./shape.ts";

const { namespace: _, ...WITHOUT_NAMESPACE } = OBJECT_META.fields;

/** Metadata of what lies in no namespace. */
const NAMESPACE_META = objectType({
  name: "ObjectMeta",
  fields: {
    ...WITHOUT_NAMESPACE,
    name: text({ format: "dnsLabel", computed: "generateName and five random characters, when only that is given" }),
  },
  refused: { ...OBJECT_META.refused },
  notApplicable: { namespace: "a namespace lies in none" },
});

export const NAMESPACE = objectType({
  name: "Namespace",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["Namespace"], { required: true }),
    metadata: object(NAMESPACE_META, { required: true }),
    spec: object(
      objectType({
        name: "NamespaceSpec",
        fields: { finalizers: list(oneOf(["kubernetes"]), { note: "set by podrun: its content goes with it" }) },
      }),
    ),
    status: ignored({ note: "written by podrun only" }),
  },
});
