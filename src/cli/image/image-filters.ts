// `--filter` of `podrun images`, with docker's and podman's words: filters of different kinds narrow, of one kind widen
// (but each label must be there).
import type { ImageClient, ListedImage } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { splitName } from "./image-table.ts";

type Test = (image: ListedImage) => boolean | Promise<boolean>;

const KINDS = ["dangling", "reference", "label", "since", "before"];

/** Throws UsageError for a filter that is not known, and what the daemon says of an image that `since` names. */
export async function filterImages(
  client: Pick<ImageClient, "inspect">,
  images: readonly ListedImage[],
  filters: readonly string[],
): Promise<readonly ListedImage[]> {
  const parsed = filters.map(splitFilter);
  const references = parsed.filter(({ kind }) => kind === "reference").map(({ value }) => value);
  const tests = await Promise.all(
    parsed.filter(({ kind }) => kind !== "reference").map(({ kind, value }) => makeTest(client, images, kind, value)),
  );
  if (references.length > 0)
    tests.push((image) => references.some((pattern) => image.references.some((name) => matchesName(pattern, name))));
  const kept: ListedImage[] = [];
  for (const image of images) {
    const results = await Promise.all(tests.map((test) => test(image)));
    // Of an image that is named, only the names that were asked for are shown.
    if (results.every((result) => result)) kept.push(references.length === 0 ? image : onlyNamed(image, references));
  }
  return kept;
}

function splitFilter(text: string): { readonly kind: string; readonly value: string } {
  const at = text.indexOf("=");
  const kind = text.slice(0, at);
  if (at === -1 || !KINDS.includes(kind))
    throw new UsageError(`invalid filter "${text}": want one of ${KINDS.map((known) => `${known}=…`).join(", ")}`);
  return { kind, value: text.slice(at + 1) };
}

async function makeTest(
  client: Pick<ImageClient, "inspect">,
  images: readonly ListedImage[],
  kind: string,
  value: string,
): Promise<Test> {
  if (kind === "dangling") {
    const wanted = /^(true|1)$/.test(value);
    if (!wanted && !/^(false|0)$/.test(value)) throw new UsageError(`filter dangling=${value}: want true or false`);
    // As `image prune` has it: a name by digest alone keeps nothing.
    return ({ references }) => references.every((name) => name.includes("@")) === wanted;
  }
  if (kind === "label") {
    const [key = "", ...rest] = value.split("=");
    const want = rest.length === 0 ? undefined : rest.join("=");
    return async ({ id }) => {
      const { Labels } = await client.inspect(id);
      return Object.hasOwn(Labels, key) && (want === undefined || Labels[key] === want);
    };
  }
  const { Id } = await client.inspect(value);
  const limit = timeOf(images.find(({ id }) => id === Id));
  return (image) => (kind === "since" ? timeOf(image) > limit : timeOf(image) < limit);
}

const timeOf = (image: ListedImage | undefined): number => Date.parse(image?.createdAt ?? "") || 0;

const onlyNamed = (image: ListedImage, patterns: readonly string[]): ListedImage => ({
  ...image,
  references: image.references.filter((name) => patterns.some((pattern) => matchesName(pattern, name))),
});

/** `nginx`, `library/nginx`, `docker.io/library/nginx`, each also with a tag, and each with `*`, `?` and `[…]`. */
export function matchesName(pattern: string, reference: string): boolean {
  const { repository, tag, digest } = splitName(reference);
  const parts = repository.split("/");
  const glob = globPattern(pattern);
  return parts.some((_, at) => {
    const name = parts.slice(at).join("/");
    return [name, `${name}:${tag}`, `${name}@${digest}`].some((text) => glob.test(text));
  });
}

/** path.Match of Go: `*` and `?` stop at a slash. */
function globPattern(pattern: string): RegExp {
  const source = pattern.replace(/\[[^\]]*\]|[\\^$.|+(){}[\]*?]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.length > 2 ? part : `\\${part}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    throw new UsageError(`the pattern "${pattern}" cannot be read`);
  }
}
