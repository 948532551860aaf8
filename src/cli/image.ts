// `podrun image VERB`: the same commands under the names that docker and podman give them there.
import type { CommandGroup } from "./command.ts";

export const group: CommandGroup = {
  about: "Look after images.",
  commands: {
    ls: ["list images", () => import("./image/images.ts")],
    list: ["list images", () => import("./image/images.ts")],
    pull: ["fetch images from their registries", () => import("./image/pull.ts")],
    rm: ["remove images", () => import("./image/rmi.ts")],
    load: ["take images out of an archive", () => import("./image/load.ts")],
    save: ["put images into an archive", () => import("./image/save.ts")],
    import: ["make an image of a root file system", () => import("./image/import.ts")],
    tag: ["give an image another name", () => import("./image/tag.ts")],
    inspect: ["show all that is known of an image", () => import("./image/inspect-image.ts")],
    history: ["show how an image was made, and its layers' sizes", () => import("./image/image-history.ts")],
    exists: ["tell by the exit code whether an image is here", () => import("./image/image-exists.ts")],
    prune: ["remove images that nothing needs", () => import("./image/image-prune.ts")],
  },
};
