// Rules on users, seccomp and sysctls.

import { elementPath } from "./path.ts";
import type { Container, Pod, PodSpec, SeccompProfile } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { FORMATS, quote } from "./schema/format.ts";

/** Of seccomp and of AppArmor: a profile of this machine is named where the type says so, and only there. */
export function validateProfile(
  profile: Pick<SeccompProfile, "type" | "localhostProfile"> | undefined,
  path: string,
): Problem[] {
  if (profile === undefined) return [];
  const at = `${path}.localhostProfile`;
  const given = profile.localhostProfile !== undefined;
  if (profile.type === "Localhost" && !given) return [invalid(at, "required with type Localhost, but missing")];
  if (profile.type !== "Localhost" && given)
    return [invalid(at, `only type Localhost names a profile, not ${profile.type}`)];
  return [];
}

/** A container that must not be root but is told to be can never start; what the container says goes before the pod. */
export function validateIdentity(container: Container, { spec }: Pod, path: string): Problem[] {
  const own = container.securityContext ?? {};
  const nonRoot = own.runAsNonRoot ?? spec.securityContext.runAsNonRoot;
  const user = own.runAsUser ?? spec.securityContext.runAsUser;
  if (nonRoot !== true || user !== 0) return [];
  const at = own.runAsUser === undefined ? "spec.securityContext.runAsUser" : `${path}.securityContext.runAsUser`;
  return [
    invalid(
      at,
      `0 is root, which runAsNonRoot forbids in container ${quote(container.name)}; choose another user or remove runAsNonRoot`,
    ),
  ];
}

/** Sysctls of a namespace that the pod has to itself, and the field that takes it away. */
const NAMESPACED: readonly { readonly names: RegExp; readonly host: "hostNetwork" | "hostIPC" }[] = [
  { names: /^net\./, host: "hostNetwork" },
  { names: /^(kernel\.(shm|msg)[a-z_]*|kernel\.sem|fs\.mqueue\..+)$/, host: "hostIPC" },
];

/** Only what belongs to a namespace of the pod's own: anything else would change the host (kubelet, sysctl allowlist). */
export function validateSysctls(spec: PodSpec): Problem[] {
  return (spec.securityContext.sysctls ?? []).flatMap(({ name }, index) => {
    const at = `${elementPath("spec.securityContext.sysctls", index)}.name`;
    // A name that is none at all is reported already.
    if (FORMATS.sysctlName(name) !== undefined) return [];
    const rule = NAMESPACED.find(({ names }) => names.test(name.replaceAll("/", ".")));
    if (rule === undefined) {
      return [
        invalid(
          at,
          `${quote(name)} would change the host; a pod may set net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.*`,
        ),
      ];
    }
    return spec[rule.host] === true
      ? [invalid(at, `${quote(name)} would change the host, because ${rule.host} is true`)]
      : [];
  });
}
