import type { Operation } from "../linux/plan/operations.gen.ts";
import { describeOperation } from "../linux/plan/print.ts";
import { slotName } from "./slots.ts";
import { VOLUME_PART } from "./volume-plan.ts";

/** What goes into a volume may be a Secret. */
const hidden = (operation: Operation): string | undefined =>
  operation.op === "write_file" && operation.part?.startsWith(VOLUME_PART)
    ? `write ${operation.data.length} bytes to /${operation.path}`
    : undefined;

/** An operation on one line, its slots by what they hold: `keep the net namespace as pod:net`. */
export function describe(operation: Operation): string {
  const text = (hidden(operation) ?? describeOperation(operation)).replaceAll("\n", "; ");
  return text.replaceAll(/\b(?:in )?slot (\d+)/g, (_, number: string) => slotName(Number(number)));
}
