import type { CommandGroup } from "./command.ts";

export const group: CommandGroup = {
  about: "What pods, or the machine, use of processor and memory just now.",
  commands: {
    pod: ["of pods", () => import("./top-pod.ts")],
    pods: ["of pods", () => import("./top-pod.ts")],
    po: ["of pods", () => import("./top-pod.ts")],
    node: ["of the machine", () => import("./top-node.ts")],
    nodes: ["of the machine", () => import("./top-node.ts")],
    no: ["of the machine", () => import("./top-node.ts")],
  },
};
