import { PodrunError } from "../base/errors.ts";

/** Whom a container runs as. */
export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups from the image's group file, without the primary one. */
  readonly groups: readonly number[];
  /** For HOME; "/" when the image's passwd file does not know the user. */
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The largest id: 2^32-1 means "keep" to setresuid(2). */
const LARGEST_ID = 0xffff_fffe;

/**
 * The user that an image's `User`, or a like text, means: `name`, `uid`, `name:group`, `uid:gid` and the mixtures
 * (OCI image-spec, config.md, "User"); empty: root. A number need not be in the files; a name must be. The groups of the
 * group file count only where no group is given, as with Docker. Throws InvalidImage, naming image and user.
 */
export function lookupUser(
  image: { readonly reference: string; readonly passwd: string; readonly group: string },
  user: string,
): ImageUser {
  const [userPart = "", groupPart, ...more] = user.split(":");
  const refuse = (what: string): never => {
    throw new PodrunError("InvalidImage", `image "${image.reference}": user "${user}": ${what}`, {
      details: { image: image.reference, user },
    });
  };
  if (more.length > 0) refuse("it must be USER or USER:GROUP");
  const groups = parseGroup(image.group);
  const entry = findUser(parsePasswd(image.passwd), userPart === "" ? "0" : userPart);
  const uid = entry?.uid ?? readId(userPart === "" ? "0" : userPart);
  if (uid === undefined)
    return refuse(`the image's /etc/passwd has no user "${userPart}"; name one that it has, or a uid`);
  const home = entry?.home || "/";
  if (groupPart !== undefined && groupPart !== "") {
    const gid = groups.find(({ name }) => name === groupPart)?.gid ?? readId(groupPart);
    if (gid === undefined)
      return refuse(`the image's /etc/group has no group "${groupPart}"; name one that it has, or a gid`);
    return { uid, gid, groups: [], home };
  }
  const gid = entry?.gid ?? 0;
  const member = groups.filter(({ members }) => entry !== undefined && members.includes(entry.name));
  return { uid, gid, groups: [...new Set(member.map((group) => group.gid))].filter((id) => id !== gid), home };
}

/** A name goes before a number: a user may be called "1000". */
function findUser(entries: readonly PasswdEntry[], text: string): PasswdEntry | undefined {
  return entries.find(({ name }) => name === text) ?? entries.find(({ uid }) => uid === readId(text));
}

function readId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= LARGEST_ID ? Number(text) : undefined;
}

/** passwd(5). Lines that are none are passed over, as the C library does: the file is the image's, not ours. */
function parsePasswd(text: string): PasswdEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , rawUid = "", rawGid = "", , home = ""] = line.split(":");
    const [uid, gid] = [readId(rawUid), readId(rawGid)];
    // A NUL ends a line for the C library; for us the line is none: its home would become a variable.
    return name === "" || name.startsWith("#") || uid === undefined || gid === undefined || line.includes("\0")
      ? []
      : [{ name, uid, gid, home }];
  });
}

/** group(5). */
function parseGroup(text: string): GroupEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , rawGid = "", members = ""] = line.split(":");
    const gid = readId(rawGid);
    return name === "" || name.startsWith("#") || gid === undefined
      ? []
      : [{ name, gid, members: members.split(",").filter((member) => member !== "") }];
  });
}
