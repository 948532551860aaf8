import type { ActorName, Operation } from "../linux/plan/operations.gen.ts";

/** An operation as a plan's compiler states it: actor, reason and part are added by the writer. */
export type Bare<O = Operation> = O extends Operation ? Omit<O, "actor" | "why" | "part" | "optional"> : never;

/** Collects a plan. `part` is the heading under which `podrun plan` shows its operations. */
export class PlanWriter {
  readonly operations: Operation[] = [];
  readonly #part: string;

  constructor(part: string) {
    this.#part = part;
  }

  daemon(why: string, ...operations: readonly Bare[]): void {
    this.#add("daemon", why, false, operations);
  }

  monitor(why: string, ...operations: readonly Bare[]): void {
    this.#add("monitor", why, false, operations);
  }

  stage(why: string, ...operations: readonly Bare[]): void {
    this.#add("stage", why, false, operations);
  }

  child(why: string, ...operations: readonly Bare[]): void {
    this.#add("child", why, false, operations);
  }

  /** What the machine may refuse: the failure is in the results, and the plan goes on. */
  optional(actor: ActorName, why: string, ...operations: readonly Bare[]): void {
    this.#add(actor, why, true, operations);
  }

  #add(actor: ActorName, why: string, optional: boolean, operations: readonly Bare[]): void {
    for (const operation of operations) {
      const full = { ...operation, actor, why, part: this.#part } as Operation;
      this.operations.push(optional ? { ...full, optional: true } : full);
    }
  }
}
