// Which pods a command line means: `pod NAME…`, `pods`, `pod/NAME`, and for commands on one pod just `NAME`.
import { UsageError } from "./arguments.ts";

const POD_WORDS = ["pod", "pods", "po"];

export interface Selection {
  /** Empty: all of them, as selectors narrow them. */
  readonly names: readonly string[];
  /** `pod/NAME` was written, not `pod NAME`. */
  readonly slashed: boolean;
}

/** Reads `pods`, `pod NAME…` or `pod/NAME…`. Throws UsageError. */
export async function parseSelection(positionals: readonly string[]): Promise<Selection> {
  const [first, ...names] = positionals;
  if (first === undefined) throw new UsageError("you must specify the type of resource: pods, pod NAME or pod/NAME");
  if (first.includes("/")) return { names: await Promise.all(positionals.map(podName)), slashed: true };
  await checkKind(first);
  const slashed = names.find((name) => name.includes("/"));
  if (slashed !== undefined) throw new UsageError(`there is no need to specify a resource type twice: "${slashed}"`);
  return { names, slashed: false };
}

/** The one pod of `exec`, `logs` …: `NAME` or `pod/NAME`. Throws UsageError. */
export async function podName(text: string): Promise<string> {
  const slash = text.indexOf("/");
  if (slash === -1) return text;
  await checkKind(text.slice(0, slash));
  const name = text.slice(slash + 1);
  if (name === "" || name.includes("/")) throw new UsageError(`"${text}" names no pod: want pod/NAME`);
  return name;
}

async function checkKind(word: string): Promise<void> {
  if (POD_WORDS.includes(word.toLowerCase())) return;
  const { nearest } = await import("../spec/nearest.ts");
  const near = nearest(word, POD_WORDS);
  throw new UsageError(
    `podrun has no resource type "${word}"${near === undefined ? ": it knows pods (pod, po)" : `; did you mean "${near}"?`}`,
  );
}
