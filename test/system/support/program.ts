import { join } from "node:path";

/** What Node is to be given to run the command line as its first line says. */
export const PROGRAM: readonly string[] = ["--single-threaded", join(import.meta.dirname, "../../../dist/podrun.cjs")];
