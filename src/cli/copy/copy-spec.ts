// `POD:PATH`, `NAMESPACE/POD:PATH` or a local path, as kubectl reads them.
import type { FilesClient, RemoteContainer } from "../../api/client-files.ts";
import { UsageError } from "../arguments.ts";

export interface FileSpec {
  readonly namespace: string;
  /** Undefined: a local path. */
  readonly pod: string | undefined;
  readonly path: string;
}

export interface RemotePath extends RemoteContainer {
  readonly path: string;
}

export interface CopyOptions {
  readonly client: FilesClient;
  readonly preserve: boolean;
  readonly warn: (text: string) => void;
}

/** A local path with a colon in it is written with `./` or `/` in front. Throws UsageError. */
export function parseFileSpec(text: string, namespace: string): FileSpec {
  const colon = text.indexOf(":");
  if (colon === -1 || /^\.{0,2}\//.test(text)) {
    if (text === "") throw new UsageError("filepath can not be empty");
    return { namespace, pod: undefined, path: text };
  }
  const parts = text.slice(0, colon).split("/");
  const path = text.slice(colon + 1);
  const [first = "", second] = parts;
  const isPod = parts.length <= 2 && parts.every((part) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(part));
  if (!isPod)
    throw new UsageError(
      `"${text}": want POD:PATH or NAMESPACE/POD:PATH; a local path with a colon begins with ./ or /`,
    );
  if (path === "") throw new UsageError("filepath can not be empty");
  return second === undefined ? { namespace, pod: first, path } : { namespace: first, pod: second, path };
}

/** The last name of a path; "" for `/`, `.` and what ends in `/.`, which mean what is in the folder. */
export function baseName(path: string): string {
  const name = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return name === "." || name === ".." ? "" : name;
}
