// What the oracle answers (test/oracle), and what of it is kept.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./cases/case.ts";

/** As it comes from the oracle. */
export interface Given {
  readonly problems?: readonly { readonly type: string; readonly field: string; readonly detail: string }[];
  readonly object?: object;
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly text?: string;
}

export interface CreateAnswer {
  readonly set: Settings;
  /** `FieldValueInvalid spec.hostname`; absent: it was taken. */
  readonly problems?: readonly string[];
  /** What defaulting made of it (difference.ts). */
  readonly adds?: readonly string[];
  /** What it made of the first object of the group, and not of this one. */
  readonly lacks?: readonly string[];
  readonly qos?: string;
  readonly requests?: Given["requests"];
  readonly limits?: Given["limits"];
}

export interface UpdateAnswer {
  readonly old: Settings;
  readonly set: Settings;
  readonly problems: readonly string[];
}

export interface MergeAnswer {
  readonly patch: object;
  /** Null: it was refused. */
  readonly merged: object | null;
}

export interface TableAnswer {
  /** Of a pod; the objects of other kinds are in cases/tables.ts, in the same order. */
  readonly set?: Settings;
  /** `+` stands before what is shown with `-o wide` only. */
  readonly columns: readonly string[] | undefined;
  readonly row: readonly string[] | undefined;
}

export const readAnswers = <T>(name: string): readonly T[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, "answers", `${name}.json`), "utf8"));
