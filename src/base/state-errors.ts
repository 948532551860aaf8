// What a full, read-only or foreign state folder does to us, as an error for the user: worded here for all that write there.
import { errnoOf, PodrunError } from "./errors.ts";

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the file system is full; make room",
  EDQUOT: "the quota is used up; make room",
  EROFS: "the file system is read-only; mount it read-write",
  EACCES: "access is denied; podrun must be root, and the folder root's",
  EPERM: "access is denied; podrun must be root, and the folder root's",
  ENOTDIR: "a part of the path is not a folder; move it away",
  EEXIST: "something that is not a folder has its name; move it away",
};

/** The advice for a system error's code; undefined: the state folder is not to blame for it. */
export const stateAdvice = (code: string | undefined): string | undefined => ADVICE[code ?? ""];

/** StateUnavailable where a folder of ours is to blame for a system error; any other error comes back as it is. */
export function translateStateError(folder: string, error: unknown, subject?: string): unknown {
  const advice = stateAdvice(errnoOf(error));
  return advice === undefined ? error : stateUnavailable(folder, advice, error, subject);
}

/** `advice`: what is wrong and what would be right, `X is so; do Y`. `subject`: what was to be written there. */
export function stateUnavailable(folder: string, advice: string, cause: unknown, subject?: string): PodrunError {
  const what = subject === undefined ? "" : `${subject}: `;
  return new PodrunError(
    "StateUnavailable",
    `${what}the state in ${folder} cannot be written: ${advice}, and try again`,
    {
      details: { folder },
      cause,
    },
  );
}
