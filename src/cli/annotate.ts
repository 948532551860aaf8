import { changeMetadata, METADATA_OPTIONS } from "./change-metadata.ts";
import { defineCommand } from "./command.ts";

export const command = defineCommand({
  usage: [
    "annotate TYPE NAME… KEY=VALUE… [KEY-…] [--overwrite]",
    "annotate TYPE (-l SELECTOR | --all) KEY=VALUE… [KEY-…]",
    "annotate -f FILE… KEY=VALUE…",
  ],
  about: "Set, change and take away annotations: notes on an object, of any text.",
  examples: [
    ["set one", "podrun annotate pod web description='the front page'"],
    ["take it away", "podrun annotate pod web description-"],
  ],
  options: METADATA_OPTIONS,
  // kubectl says "annotated" whether anything has changed or not.
  run: (invocation) =>
    changeMetadata(invocation, {
      field: "annotations",
      noun: "annotation",
      changed: "annotated",
      removed: "annotated",
      unchanged: "annotated",
    }),
});
