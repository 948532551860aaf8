import type { PriorityClass } from "../../spec/priority-class.ts";
import { formatMap } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

/** A PriorityClass as `kubectl describe priorityclass` lays it out. */
export const describePriorityClass = ({
  metadata,
  value,
  globalDefault = false,
  preemptionPolicy,
  description = "",
}: PriorityClass): string =>
  layOut(
    [
      ["Name:", metadata.name],
      ["Value:", String(value)],
      ["GlobalDefault:", String(globalDefault)],
      ["PreemptionPolicy:", preemptionPolicy],
      ["Description:", description],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
    ],
    0,
  );
