// `debug --copy-to`: a copy of a pod that may be looked into, changed and broken.
import { decodePod } from "../../spec/index.ts";
import type { Container, Pod } from "../../spec/pod.ts";
import { UsageError } from "../arguments.ts";
import { debugFields, profileRights, type Rights, readProfile } from "./debug-container.ts";
import type { Debug } from "./debug-options.ts";

export interface PodCopy {
  readonly pod: Pod;
  /** The one to connect to. */
  readonly container: string;
}

/** `name`: of the container that is added, when none is named. Throws UsageError, and what decodePod throws. */
export function copyPod(pod: Pod, debug: Pick<Debug, "options" | "rest">, name: string): PodCopy {
  const { options, rest = [] } = debug;
  const profile = readProfile(options.profile);
  const { nodeName: _, ephemeralContainers: __, priority: ___, preemptionPolicy: ____, ...spec } = pod.spec;
  const images = readImages(options["set-image"]);
  const withImage = <T extends Container>(one: T): T => ({
    ...one,
    image: images.get(one.name) ?? images.get("*") ?? one.image,
  });
  const containers: object[] = spec.containers.map((one) => withoutProbes(withImage(one), options));
  const known =
    options.container === undefined ? -1 : spec.containers.findIndex((one) => one.name === options.container);
  const container = options.container ?? (options.image === undefined ? (spec.containers[0] as Container).name : name);
  if (known === -1 && options.container !== undefined && options.image === undefined)
    throw new UsageError(`unable to find container named "${options.container}"; --image adds one`);
  if (options.container === undefined && options.image === undefined && rest.length > 0)
    throw new UsageError("you must specify an existing container or a new image when specifying args");
  if (options.container !== undefined || options.image !== undefined) {
    const before = known === -1 ? { name: container } : containers[known];
    const rights = profileRights(profile, false);
    const { args: _args, ...kept } = before as { args?: unknown };
    const changed = {
      ...(rest.length > 0 ? kept : before),
      ...(options.image !== undefined && { image: options.image }),
      ...debugFields(debug),
      ...(known === -1 && { terminationMessagePolicy: "FallbackToLogsOnError" }),
      ...(rights !== undefined && { securityContext: withRights(before as Partial<Container>, rights) }),
    };
    containers.splice(known === -1 ? containers.length : known, 1, changed);
  }
  const { keepLabels, keepAnnotations } = {
    keepLabels: options["keep-labels"],
    keepAnnotations: options["keep-annotations"],
  };
  const { initContainers, ...rested } = spec;
  return {
    container,
    pod: decodePod({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: options["copy-to"],
        namespace: pod.metadata.namespace,
        ...(keepLabels && { labels: pod.metadata.labels }),
        ...(keepAnnotations && { annotations: pod.metadata.annotations }),
      },
      spec: {
        ...rested,
        containers,
        ...(options["keep-init-containers"] && initContainers && { initContainers: initContainers.map(withImage) }),
        ...(options["share-processes"] && !spec.hostPID && { shareProcessNamespace: true }),
      },
    }),
  };
}

/** What the container has already stays, but where the profile says otherwise. */
function withRights({ securityContext: own }: Partial<Container>, rights: Rights): object {
  const add = [...new Set([...(own?.capabilities?.add ?? []), ...(rights.capabilities?.add ?? [])])];
  const capabilities = { ...own?.capabilities, ...rights.capabilities, ...(add.length > 0 && { add }) };
  return { ...own, ...rights, ...(Object.keys(capabilities).length > 0 && { capabilities }) };
}

/** `a=b,*=c`. Throws UsageError. */
function readImages(text: string | undefined): ReadonlyMap<string, string> {
  const pairs = (text ?? "").split(",").filter((word) => word !== "");
  return new Map(
    pairs.map((word) => {
      const equals = word.indexOf("=");
      const [name, image] = [word.slice(0, equals), word.slice(equals + 1)];
      if (equals < 1 || image === "") throw new UsageError(`--set-image: "${word}" is no pair: want NAME=IMAGE`);
      return [name, image] as const;
    }),
  );
}

/** Nobody is to be ended because it is being looked into. */
function withoutProbes(container: Container, options: Debug["options"]): Container {
  const { livenessProbe, readinessProbe, startupProbe, ...rest } = container;
  return {
    ...rest,
    ...(options["keep-liveness"] && livenessProbe && { livenessProbe }),
    ...(options["keep-readiness"] && readinessProbe && { readinessProbe }),
    ...(options["keep-startup"] && startupProbe && { startupProbe }),
  };
}
