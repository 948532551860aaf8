// What the words in capitals of a usage stand for, as far as a shell can be told: types, and names that the daemon knows.
import { ApiClient } from "../../api/client.ts";
import { ImageClient } from "../../api/client-images.ts";
import { ObjectClient } from "../../api/client-objects.ts";
import { loadConfig } from "../../base/config.ts";
import { isClusterScoped, KINDS, type KindName, kindNames, kindOfWord } from "../../spec/kinds.ts";

export type Candidate = readonly [word: string, remark?: string | undefined];

export interface Asked {
  /** The positional words before it. */
  readonly before: readonly string[];
  readonly current: string;
  readonly namespace: string;
  /** All that may stand in its place. */
  readonly stands: readonly string[];
}

interface Found {
  readonly names: readonly Candidate[];
  readonly files: boolean;
}

const FILES: Found = { names: [], files: true };

/** Two words for one type are the same: `node` and `nodes`. */
export const isSameType = (a: string, b: string): boolean =>
  a === b || (kindOfWord(a) !== undefined && kindOfWord(a) === kindOfWord(b));

/** Throws what the daemon's refusal or absence throws. */
export async function candidatesFor(stand: string, asked: Asked): Promise<Found> {
  if (/^(FILE|FOLDER|PATH|LOCAL)$/.test(stand) || stand.endsWith("=]PATH")) return FILES;
  return { names: await namesFor(stand, asked), files: false };
}

async function namesFor(stand: string, { before, current, namespace, stands }: Asked): Promise<readonly Candidate[]> {
  const [first = ""] = before;
  const [type = ""] = first.split("/");
  switch (stand) {
    case "TYPE":
      return KINDS.map(({ plural }) => [plural]);
    case "TYPE/NAME":
      return current.includes("/") ? typedNames(current, namespace) : stands.includes("TYPE") ? [] : slashedTypes();
    case "NAME":
      return namesOf(kindOfWord(type), namespace);
    case "POD":
      return namesOf("Pod", namespace);
    case "POD:PATH":
      return (await namesOf("Pod", namespace)).map(([name]) => [`${name}:`]);
    case "NODE":
      return namesOf("Node", namespace);
    case "NAMESPACE":
      return namesOf("Namespace", namespace);
    case "CONTAINER":
      return containersOf(first.replace(/^.*\//, "").replace(/:.*$/s, ""), namespace);
    case "IMAGE":
      return (await new ImageClient(loadConfig(), NO_START).list()).flatMap(({ references }) =>
        references.map((one) => [one]),
      );
    default:
      return [];
  }
}

const NO_START = { start: false };

const slashedTypes = (): readonly Candidate[] => KINDS.map(({ singular }) => [`${singular}/`]);

async function typedNames(current: string, namespace: string): Promise<readonly Candidate[]> {
  const word = current.slice(0, current.indexOf("/"));
  const names = await namesOf(kindOfWord(word), namespace);
  return names.map(([name]) => [`${word}/${name}`]);
}

async function namesOf(kind: KindName | undefined, namespace: string): Promise<readonly Candidate[]> {
  if (kind === undefined) return [];
  const config = loadConfig();
  if (kind === "Pod") {
    const { rows } = await new ApiClient(config, NO_START).tablePods({ namespace }, { metadata: false });
    return rows.map(({ cells: [name = "", ready, status] }) => [String(name), `${ready} ${status}`]);
  }
  const at = isClusterScoped(kind) ? {} : { namespace };
  const objects = await new ObjectClient(config, NO_START).list(kind, at);
  return objects.map(({ metadata }) => [metadata.name, kindNames(kind).singular]);
}

async function containersOf(pod: string, namespace: string): Promise<readonly Candidate[]> {
  const { spec } = await new ApiClient(loadConfig(), NO_START).getPod(namespace, pod);
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return containers.map(({ name, image }) => [name, image]);
}
