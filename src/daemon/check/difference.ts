import type { Finding } from "../../pod/index.ts";

/** A difference between the records and the kernel, and what mends it, when something does. */
export interface Difference {
  readonly kind: Finding["kind"];
  readonly object: string;
  /** One sentence: what is, and what should be. */
  readonly message: string;
  readonly repair?: () => void | Promise<void>;
}

/** Names what a difference is about: the same difference found twice has the same key. */
export const keyOf = ({ kind, object, message }: Difference): string => `${kind}\n${object}\n${message}`;
