// Which container a request means that names none: the annotated one, else the first; and what the client may say of it.
import type { PodService } from "../pod/types.ts";

const ANNOTATION = "kubectl.kubernetes.io/default-container";

/** Header of the answer, when one of several was chosen: `web out of: web, helper`. */
export const DEFAULTED_HEADER = "podrun-defaulted-container";

export interface ChosenContainer {
  readonly container: string | undefined;
  readonly defaulted: string | undefined;
}

/** Throws NotFound for the pod; a container that is named is not looked at. */
export function chooseContainer(
  pods: PodService,
  namespace: string,
  name: string,
  asked: string | null,
): ChosenContainer {
  if (asked !== null && asked !== "") return { container: asked, defaulted: undefined };
  const pod = pods.get(namespace, name);
  const names = pod.spec.containers.map((container) => container.name);
  const annotated = pod.metadata.annotations[ANNOTATION];
  if (annotated !== undefined && names.includes(annotated)) return { container: annotated, defaulted: undefined };
  const [first] = names;
  return { container: first, defaulted: names.length > 1 ? `${first} out of: ${names.join(", ")}` : undefined };
}
