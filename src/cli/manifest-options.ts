/** Flags of the commands that take manifests. */
export const MANIFEST_OPTIONS = {
  filename: { kind: "list", short: "f", value: "FILE", help: "file, folder, or - for standard input; may be repeated" },
  recursive: { kind: "boolean", short: "R", help: "with a folder, its sub-folders too" },
} as const;
