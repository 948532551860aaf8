import { readdirSync } from "node:fs";
import { errnoOf } from "./errors.ts";

/** Names in a folder; none where it does not exist. Throws other system errors. */
export function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
