import { constants } from "node:os";

/** Numbers that Node has no name for; these are asm-generic's, the same on x86_64 and arm64. */
const UNNAMED: Readonly<Record<number, string>> = {
  15: "ENOTBLK",
  51: "EL2HLT",
  54: "EXFULL",
  56: "EBADRQC",
  76: "ENOTUNIQ",
  77: "EBADFD",
  94: "ESOCKTNOSUPPORT",
  108: "ESHUTDOWN",
  112: "EHOSTDOWN",
  117: "EUCLEAN",
  121: "EREMOTEIO",
  126: "ENOKEY",
  133: "EHWPOISON",
};

const NAMES = new Map<number, string>([
  ...Object.entries(UNNAMED).map(([number, name]) => [Number(number), name] as const),
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
  // Names that share a number: the one that people know.
  [constants.errno.EAGAIN, "EAGAIN"],
  [constants.errno.EOPNOTSUPP, "EOPNOTSUPP"],
  [constants.errno.EDEADLK, "EDEADLK"],
]);

/** `ENOENT` for 2; `errno 999` for a number that has no name. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`;
