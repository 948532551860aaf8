import { PodrunError } from "../base/errors.ts";
import { lookupUser } from "../image/passwd.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import type { ContainerConfig, SandboxShape } from "./types.ts";
import { outside } from "./user-namespace-plan.ts";

/**
 * What a container's first process runs: Kubernetes `command` replaces the image's Entrypoint and its Cmd with it, `args`
 * replaces Cmd (Kubernetes, "Define a Command and Arguments for a Container"). Throws InvalidObject when nothing is left.
 */
export function containerCommand(config: ContainerConfig): readonly string[] {
  const { entrypoint, cmd } = config.image.config;
  const argv = config.command?.length
    ? [...config.command, ...(config.args ?? [])]
    : [...entrypoint, ...(config.args?.length ? config.args : cmd)];
  if (argv.length > 0) return argv;
  throw new PodrunError(
    "InvalidObject",
    `container "${config.name}": no command: image ${config.image.reference} has neither Entrypoint nor Cmd, so the manifest must give a command`,
    { details: { container: config.name, image: config.image.reference } },
  );
}

/** Looks up the user and composes the environment. Throws InvalidImage for a user the image lacks, InvalidObject for root
 * where runAsNonRoot is asked for, and for ids that a pod with ids of its own has not. */
export function containerIdentity(
  config: ContainerConfig,
  sandbox: Pick<SandboxShape, "hostname" | "userRange">,
): ProcessIdentity {
  const { security, image } = config;
  const user =
    security.runAsUser === undefined ? lookupUser(image, image.config.user) : numbered(config, security.runAsUser);
  if (security.runAsNonRoot && user.uid === 0) throw runsAsRoot(config);
  const gid = security.runAsGroup ?? user.gid;
  // The primary group too: a set-group-ID program would lose it, and with it what the group is denied (CVE-2023-25173).
  const own = security.strictGroups ? [] : user.groups;
  const groups = new Set([gid, ...own, ...security.supplementalGroups]);
  for (const id of [user.uid, ...groups]) outside(sandbox.userRange, id);
  return {
    uid: user.uid,
    gid,
    groups: [...groups],
    security,
    oomScoreAdj: config.oomScoreAdj,
    workingDir: config.workingDir || image.config.workingDir || "/",
    env: environment(config, sandbox.hostname, user.home),
    why: config.why ?? {},
  };
}

/** runAsUser is a uid and nothing else: an image must not give it another meaning by a user whose name is that number. */
function numbered({ image }: ContainerConfig, uid: number): ReturnType<typeof lookupUser> {
  const lines = image.passwd.split("\n").filter((line) => !line.startsWith(`${uid}:`));
  return lookupUser({ ...image, passwd: lines.join("\n") }, String(uid));
}

/** The words of the kubelet, `container has runAsNonRoot and image will run as root`, with what would be right. */
function runsAsRoot(config: ContainerConfig): PodrunError {
  return new PodrunError(
    "InvalidObject",
    `container "${config.name}" has runAsNonRoot and image ${config.image.reference} will run as root: set securityContext.runAsUser`,
    { details: { container: config.name, image: config.image.reference } },
  );
}

/** The image's variables, then the manifest's; PATH, HOME, HOSTNAME and (on a terminal) TERM where nobody set them. */
function environment(config: ContainerConfig, hostname: string, home: string): readonly string[] {
  const variables = new Map<string, string>([
    ["PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ["HOSTNAME", hostname],
    ["HOME", home],
  ]);
  if (config.tty) variables.set("TERM", "xterm");
  for (const entry of config.image.config.env) {
    const at = entry.indexOf("=");
    if (at > 0) variables.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of config.env) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
