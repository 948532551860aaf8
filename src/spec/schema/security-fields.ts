// What a pod's and a container's security context share.

import { objectType, oneOf, text } from "./shape.ts";

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

/** Kubernetes checks none of it; a runtime (containerd, checkSelinuxLevel) refuses levels of another form. */
export const SE_LINUX_OPTIONS = objectType({
  name: "SELinuxOptions",
  fields: {
    user: text({ format: "seLinuxName" }),
    role: text({ format: "seLinuxName" }),
    type: text({ format: "seLinuxName", note: "absent: the policy's type for containers; privileged: spc_t" }),
    level: text({ format: "seLinuxLevel", note: "absent: two categories that no other pod has" }),
  },
});

export const SE_LINUX_NOTE = "on a machine without SELinux a pod that sets any of it is refused";

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
