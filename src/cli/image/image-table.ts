// Images as rows, in podman's columns.
import type { ListedImage } from "../../api/client-images.ts";
import { formatSize } from "../output/size.ts";
import type { Row } from "../output/table.ts";

export const TABLE_HEADINGS = (digests: boolean): Row => [
  "REPOSITORY",
  "TAG",
  ...(digests ? ["DIGEST"] : []),
  "IMAGE ID",
  "CREATED",
  "SIZE",
];
export const WIDE_HEADINGS: Row = [...TABLE_HEADINGS(true), "CONTAINERS", "PULLED"];

export interface TableOptions {
  readonly digests: boolean;
  readonly wide: boolean;
  /** Ids are not cut. */
  readonly full: boolean;
  readonly now: number;
}

/** What `--format` may name of a row: docker's and podman's fields. */
export interface ImageFields {
  readonly ID: string;
  readonly Id: string;
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly Created: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly Size: string;
  readonly Containers: string;
}

/** Above a table of them. */
export const FIELD_HEADINGS: ImageFields = {
  ...{ ID: "IMAGE ID", Id: "IMAGE ID", Repository: "REPOSITORY", Tag: "TAG", Digest: "DIGEST", Created: "CREATED" },
  ...{ CreatedSince: "CREATED", CreatedAt: "CREATED AT", Size: "SIZE", Containers: "CONTAINERS" },
};

interface ImageName {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** Rows with the id that `-q` prints, newest image first. */
export function imageRows(
  images: readonly ListedImage[],
  options: TableOptions,
): readonly { readonly fields: ImageFields; readonly cells: Row }[] {
  return [...images].sort(byAge).flatMap((image) => {
    const id = options.full ? image.id : image.id.replace(/^sha256:/, "").slice(0, 12);
    const created = formatAgo(image.createdAt, options.now);
    const size = formatSize(image.size);
    return namesOf(image.references).map(({ repository, tag, digest }) => ({
      fields: {
        ...{ ID: id, Id: id, Repository: repository, Tag: tag, Digest: digest, Created: created },
        ...{
          CreatedSince: created,
          CreatedAt: image.createdAt ?? "",
          Size: size,
          Containers: String(image.containers),
        },
      },
      cells: [
        repository,
        tag,
        ...(options.digests ? [digest] : []),
        id,
        created,
        size,
        ...(options.wide ? [String(image.containers), formatAgo(image.importedAt, options.now)] : []),
      ],
    }));
  });
}

const timeOf = (image: ListedImage): number => Date.parse(image.createdAt ?? "") || 0;
const byAge = (a: ListedImage, b: ListedImage): number => timeOf(b) - timeOf(a) || (a.id < b.id ? -1 : 1);

const NONE = "<none>";

/** A row a tag; a digest is one of its own only where its repository has no tag. */
export function namesOf(references: readonly string[]): readonly ImageName[] {
  const parsed = references.map(splitName);
  const digestOf = (repository: string): string =>
    parsed.find((name) => name.repository === repository && name.digest !== NONE)?.digest ?? NONE;
  const tagged = parsed.filter(({ tag }) => tag !== NONE);
  const others = parsed.filter(({ repository }) => !tagged.some((name) => name.repository === repository));
  const rows = [...tagged.map((name) => ({ ...name, digest: digestOf(name.repository) })), ...others];
  return rows.length === 0 ? [{ repository: NONE, tag: NONE, digest: NONE }] : rows;
}

/** `host:5000/a/b:tag@sha256:…`, normalised. */
export function splitName(reference: string): ImageName {
  const [name = "", digest = NONE] = reference.split("@");
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  if (colon === -1) return { repository: name, tag: NONE, digest };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1), digest };
}

const AGES = [
  [365 * 86_400 * 2, 365 * 86_400, "year"],
  [60 * 86_400, 30 * 86_400, "month"],
  [14 * 86_400, 7 * 86_400, "week"],
  [48 * 3600, 86_400, "day"],
  [5400, 3600, "hour"],
  [120, 60, "minute"],
] as const;

/** `3 weeks ago`, with the steps that podman's and docker's lists have. */
export function formatAgo(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? "");
  if (Number.isNaN(at)) return "N/A";
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 1) return "Less than a second ago";
  if (seconds >= 60 && seconds < 120) return "About a minute ago";
  if (seconds >= 3600 && seconds < 5400) return "About an hour ago";
  const [, step, word] = AGES.find(([least]) => seconds >= least) ?? [0, 1, "second"];
  const amount = Math.floor(seconds / step);
  return `${amount} ${word}${amount === 1 ? "" : "s"} ago`;
}
