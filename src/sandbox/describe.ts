import type { Operation } from "../linux/plan/operations.gen.ts";
import { describeOperation } from "../linux/plan/print.ts";
import { slotName } from "./slots.ts";

/** An operation on one line, its slots by what they hold: `keep the net namespace as pod:net`. */
export function describe(operation: Operation): string {
  const text = describeOperation(operation).replaceAll("\n", "; ");
  return text.replaceAll(/\b(?:in )?slot (\d+)/g, (_, number: string) => slotName(Number(number)));
}
