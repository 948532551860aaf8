import { randomBytes, randomUUID } from "node:crypto";

/** A uid as Kubernetes gives to objects: a random UUID. */
export const newUid = (): string => randomUUID();

/** Id of a sandbox or container: 64 hexadecimal digits, as CRI runtimes have them. */
export const newRuntimeId = (): string => randomBytes(32).toString("hex");

/** A name from `metadata.generateName`, of which as much is taken as leaves a DNS label with the suffix (SimpleNameGenerator). */
export const newName = (prefix: string): string => `${prefix.slice(0, 58)}${newNameSuffix()}`;

/** The last part of a generated name (`metadata.generateName`): five characters that form no words. */
export function newNameSuffix(): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  // 256 is no multiple of 27: bytes from 243 on would make the first letters likelier.
  const wanted = 5;
  let suffix = "";
  while (suffix.length < wanted) {
    const byte = randomBytes(1)[0] ?? 255;
    if (byte < 243) suffix += letters[byte % letters.length];
  }
  return suffix;
}
