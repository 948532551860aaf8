import { PodrunError } from "../base/errors.ts";
import type { AppArmor } from "../linux/apparmor.ts";
import type { MachineFacts } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import type { ContainerConfig, ContainerSecurity } from "./types.ts";

/**
 * The AppArmor profile that a container's processes begin under; undefined: none. As under containerd: without a word, the
 * default one where the machine has it, and none for privileged containers.
 */
export function appArmorProfile(security: ContainerSecurity, { defaultProfile }: AppArmor): string | undefined {
  const { appArmor, privileged } = security;
  if (appArmor?.type === "Localhost") return appArmor.profile;
  if (appArmor?.type === "Unconfined") return undefined;
  return appArmor === undefined && privileged ? undefined : defaultProfile;
}

/** Takes effect at the child's execve: a child inherits it, and can't write it without the host's procfs. */
export function confine(plan: PlanWriter, { security, why }: ProcessIdentity, facts: MachineFacts): void {
  const profile = appArmorProfile(security, facts.appArmor);
  if (profile !== undefined) plan.stage(why["appArmorProfile"] ?? "default profile", { op: "apparmor", profile });
}

/** What the manifest asks for by name must be there: nobody is to believe in a wall that is not. Throws InvalidObject. */
export function refuseMissingProfile({ name, security }: ContainerConfig, machine: AppArmor): void {
  const { appArmor } = security;
  if (appArmor === undefined || appArmor.type === "Unconfined") return;
  const refuse = (why: string): never => {
    throw new PodrunError("InvalidObject", `container "${name}": appArmorProfile ${appArmor.type}: ${why}`, {
      details: { container: name, type: appArmor.type },
    });
  };
  if (!machine.enabled) refuse(`${machine.lack}; remove the field, or set type Unconfined`);
  if (appArmor.type === "RuntimeDefault" && machine.defaultProfile === undefined) refuse(machine.lack);
  if (appArmor.type === "Localhost" && !machine.isLoaded(appArmor.profile))
    refuse(`the profile "${appArmor.profile}" is not loaded; load it with apparmor_parser -r FILE`);
}
