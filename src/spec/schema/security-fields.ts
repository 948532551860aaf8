// What a pod's and a container's security context share.

import { objectType, oneOf, text } from "./shape.ts";

/** Kubernetes' nodes without SELinux pass over the labels in silence; here nobody is to believe in a wall that is not there. */
export const NO_SELINUX =
  "podrun sets no SELinux labels; remove the field, as a machine without SELinux would ignore it";

export const APP_ARMOR_PROFILE = objectType({
  name: "AppArmorProfile",
  fields: {
    type: oneOf(["RuntimeDefault", "Unconfined", "Localhost"], {
      required: true,
      note: "on a machine without AppArmor only Unconfined starts; absent is RuntimeDefault where there is AppArmor",
    }),
    localhostProfile: text({
      emptyIsWrong: true,
      format: "appArmorProfile",
      note: "with type Localhost: a profile that is loaded",
    }),
  },
});

export const SECCOMP_PROFILE = objectType({
  name: "SeccompProfile",
  fields: {
    type: oneOf(["RuntimeDefault", "Unconfined", "Localhost"], { required: true }),
    localhostProfile: text({
      emptyIsWrong: true,
      format: "relativePath",
      note: "with type Localhost: a file below podrun's seccomp folder",
    }),
  },
});
