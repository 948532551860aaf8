// Fields of metadata, the same for every kind (Kubernetes meta/v1 ObjectMeta).

import { ignored, integer, map, objectType, text } from "./shape.ts";

export const OBJECT_META = objectType({
  name: "ObjectMeta",
  fields: {
    name: text({
      format: "dnsSubdomain",
      computed: "generateName and five random characters, when only that is given",
    }),
    generateName: text({ format: "namePrefix" }),
    namespace: text({ format: "dnsLabel", default: "default" }),
    labels: map(text({ format: "labelValue" }), { keyFormat: "labelKey", computed: "empty" }),
    annotations: map(text(), { keyFormat: "annotationKey", computed: "empty" }),
    uid: text({ computed: "set by podrun when the object is created; when given in an update, it must be the same" }),
    creationTimestamp: text({ server: true, computed: "set by podrun when the object is created" }),
    resourceVersion: text({
      computed: "set by podrun at every change; when given in an update, the update fails unless it is still current",
    }),
    generation: integer({ server: true, note: "set by podrun" }),
    deletionTimestamp: text({ server: true, note: "set by podrun" }),
    deletionGracePeriodSeconds: integer({ server: true, note: "set by podrun" }),
    managedFields: ignored({
      note: "set by podrun: which fields the manifest had that was applied last (`manager: podrun`)",
    }),
    selfLink: ignored({ note: "no longer set by Kubernetes either" }),
  },
  refused: {
    finalizers: "remove it: nothing here would ever take it away and let the object go",
    ownerReferences: "remove it: podrun deletes no object because its owner is gone",
  },
});
