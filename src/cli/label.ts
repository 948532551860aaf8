import { changeMetadata, METADATA_OPTIONS } from "./change-metadata.ts";
import { defineCommand } from "./command.ts";

export const command = defineCommand({
  usage: [
    "label TYPE NAME… KEY=VALUE… [KEY-…] [--overwrite]",
    "label TYPE (-l SELECTOR | --all) KEY=VALUE… [KEY-…]",
    "label -f FILE… KEY=VALUE…",
  ],
  about: "Set, change and take away labels. Selectors (-l) find objects by them.",
  examples: [
    ["set one", "podrun label pod web tier=front"],
    ["change it", "podrun label --overwrite pod web tier=back"],
    ["take it away", "podrun label pod web tier-"],
    ["of all pods", "podrun label pods --all checked=yes"],
  ],
  options: METADATA_OPTIONS,
  run: (invocation) =>
    changeMetadata(invocation, {
      field: "labels",
      noun: "label",
      changed: "labeled",
      removed: "unlabeled",
      unchanged: "not labeled",
    }),
});
