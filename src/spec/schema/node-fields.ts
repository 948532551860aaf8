// Fields of a Node (Kubernetes core/v1 Node).

import { flag, ignored, list, object, objectType, oneOf, text } from "./shape.ts";
import { CLUSTER_META } from "./storage-fields.ts";

const NO_CLOUD = "there is one node, this machine";

export const TAINT = objectType({
  name: "Taint",
  fields: {
    key: text({ required: true, format: "labelKey" }),
    value: text({ format: "labelValue" }),
    effect: oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"], { required: true }),
    timeAdded: text({
      format: "time",
      note: "set by podrun with the effect NoExecute: from then tolerationSeconds count",
    }),
  },
});

export const NODE = objectType({
  name: "Node",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["Node"], { required: true }),
    metadata: object(CLUSTER_META, { required: true }),
    spec: object(
      objectType({
        name: "NodeSpec",
        fields: {
          podCIDR: text({ note: "never changes: `PODRUN_CIDR4`" }),
          podCIDRs: list(text(), { note: "never change: `PODRUN_CIDR4`, `PODRUN_CIDR6`" }),
          taints: list(object(TAINT)),
          unschedulable: flag({ note: "`podrun cordon`: no new pod gets its place here" }),
        },
        notApplicable: { providerID: NO_CLOUD, configSource: NO_CLOUD, externalID: NO_CLOUD },
      }),
      { default: {} },
    ),
    status: ignored({ note: "written by podrun only" }),
  },
});
