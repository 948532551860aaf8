import type { CommandGroup } from "./command.ts";

export const group: CommandGroup = {
  about: "Change one thing of pods. cpu and memory: podrun patch or edit pod NAME --subresource resize.",
  commands: {
    image: ["change the images of containers", () => import("./set-image.ts")],
    env: ["list variables; those of a pod can't be changed", () => import("./set-env.ts")],
  },
};
