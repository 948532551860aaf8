// Which ids of the host a pod with a user namespace of its own has: a range for itself alone, on record in its sandbox from
// before its first use until nothing of the sandbox is left.
import { readFileSync } from "node:fs";
import { errnoOf, PodrunError } from "../base/errors.ts";

/** Ids 0 to count-1 of a pod are those from `first` on outside. */
export interface UserRange {
  readonly first: number;
  readonly count: number;
}

/** Ids of the host, both ends included. */
export interface IdSpan {
  readonly first: number;
  readonly last: number;
}

/** The kubelet's (userNamespaces.idsPerPod): what an image may count on, 65534 for nobody included. */
export const IDS_PER_POD = 65_536;

/** Where some programs begin to read an id as a negative number. */
const LARGEST = 2 ** 31 - 1;

/** `FIRST-LAST`, room for one pod at least, none of the ids that people and services have. Throws BadRequest. */
export function parseUserIds(text: string): IdSpan {
  const [, first, last] = (/^(\d{1,10})-(\d{1,10})$/.exec(text) ?? []).map(Number);
  if (first !== undefined && last !== undefined && first >= IDS_PER_POD && last <= LARGEST)
    if (last - first + 1 >= IDS_PER_POD) return { first, last };
  throw new PodrunError(
    "BadRequest",
    `PODRUN_USER_IDS ${JSON.stringify(text)}: want FIRST-LAST, from ${IDS_PER_POD} on, up to ${LARGEST}, room for ${IDS_PER_POD} ids at least`,
    { details: { value: text } },
  );
}

/**
 * The lowest range of the pool that no pod has and in which no id is somebody else's on this machine. Throws
 * UserIdsExhausted.
 */
export function freeRange(pool: IdSpan, taken: readonly UserRange[], foreign: readonly IdSpan[]): UserRange {
  const blocks = Math.floor((pool.last - pool.first + 1) / IDS_PER_POD);
  const busy = new Set<number>();
  const block = (id: number): number => Math.floor((id - pool.first) / IDS_PER_POD);
  const others = taken.map(({ first, count }) => ({ first, last: first + count - 1 }));
  for (const { first, last } of [...others, ...foreign])
    for (let i = Math.max(0, block(first)); i <= Math.min(blocks - 1, block(last)); i++) busy.add(i);
  for (let i = 0; i < blocks; i++) if (!busy.has(i)) return { first: pool.first + i * IDS_PER_POD, count: IDS_PER_POD };
  throw new PodrunError(
    "UserIdsExhausted",
    `all ${blocks} ranges of user ids in ${pool.first}-${pool.last} are taken: ${taken.length} by pods with hostUsers: false, the others by users in /etc/passwd, /etc/group, /etc/subuid and /etc/subgid; delete such pods, or set a larger span (PODRUN_USER_IDS)`,
    { details: { first: pool.first, last: pool.last, pods: taken.length } },
  );
}

/** Ids that users and groups of this machine have, and those that subuid(5) and subgid(5) lend them. */
export function foreignIds(read: (path: string) => string = readIfThere): readonly IdSpan[] {
  const own = ["/etc/passwd", "/etc/group"].flatMap((path) => records(read(path)).map(([, , id]) => [id, "1"]));
  const lent = ["/etc/subuid", "/etc/subgid"].flatMap((path) => records(read(path)).map(([, id, n]) => [id, n]));
  return [...own, ...lent].flatMap(([id = "", n = ""]) =>
    /^\d+$/.test(id) && /^[1-9]\d*$/.test(n) ? [{ first: Number(id), last: Number(id) + Number(n) - 1 }] : [],
  );
}

const records = (text: string): string[][] => text.split("\n").map((line) => line.split(":"));

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}
