// The container to look into something with, as kubectl's profiles make it.
import { UsageError } from "../arguments.ts";
import { type Debug, PROFILES, type Profile } from "./debug-options.ts";

/** What the flags say of the container, without name and image. Throws UsageError. */
export function debugFields({ options, rest }: Pick<Debug, "options" | "rest">): Readonly<Record<string, unknown>> {
  const env = options.env.map((text) => {
    const equals = text.indexOf("=");
    if (equals <= 0) throw new UsageError(`--env: "${text}" is no pair: want NAME=VALUE`);
    return { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  return {
    ...(rest !== undefined && rest.length > 0 && { command: rest }),
    ...(env.length > 0 && { env }),
    ...(options["image-pull-policy"] !== undefined && { imagePullPolicy: options["image-pull-policy"] }),
    ...(options.stdin && { stdin: true, stdinOnce: true }),
    ...(options.tty && { tty: true }),
  };
}

/** Throws UsageError. */
export function readProfile(text: string): Profile {
  const profile = PROFILES.find((one) => one === text);
  if (profile !== undefined) return profile;
  throw new UsageError(`unknown profile: ${text}: want one of ${PROFILES.join(", ")}`);
}

export interface Rights {
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly [field: string]: unknown;
}

/** The securityContext that a profile gives (KEP-1441); undefined: none of its own. On a node `general` has the host's namespaces only. */
export function profileRights(profile: Profile, isNode: boolean): Rights | undefined {
  if (profile === "general" && !isNode) return { capabilities: { add: ["SYS_PTRACE"] } };
  if (profile === "netadmin") return { capabilities: { add: ["NET_ADMIN", "NET_RAW"] } };
  if (profile === "sysadmin") return { privileged: true };
  if (profile !== "restricted") return undefined;
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  };
}
