// What a pod's and a container's security context share.

import { objectType, oneOf, text } from "./shape.ts";

export const SECCOMP_PROFILE = objectType({
  name: "SeccompProfile",
  fields: {
    type: oneOf(["RuntimeDefault", "Unconfined", "Localhost"], { required: true }),
    localhostProfile: text({
      format: "relativePath",
      note: "with type Localhost: a file below podrun's seccomp folder",
    }),
  },
});
