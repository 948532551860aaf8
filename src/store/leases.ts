import { type Clock, systemClock } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import type { Database, Query, Row } from "./database.ts";

/** What a lease number stands for; all of it is unique among the leases. `net/` makes it (LeaseSpace). */
export interface LeasedNetwork {
  readonly ip4: string;
  readonly ip6: string;
  readonly linkIndex: number;
  readonly linkName: string;
}

/** The numbers that can be leased, first … last. */
export interface LeasableNumbers<T extends LeasedNetwork> {
  /** For errors: the address ranges. */
  readonly name: string;
  readonly first: number;
  readonly last: number;
  at(number: number): T;
}

export interface Lease extends LeasedNetwork {
  readonly pod: string;
  readonly number: number;
}

/** Somebody may still send to the pod that had an address before: it is not given out again for so long. */
export const REST_MILLISECONDS = 60_000;

/**
 * Address leases: one number a pod, which stands for its addresses and its link. Numbers go round: the next lease takes
 * the first free one behind the last given, so that a released address comes back as late as it can.
 * A lease is recorded before its addresses are used, and released only when the kernel has nothing of them any more.
 */
export class Leases<T extends LeasedNetwork> {
  readonly #database: Database;
  readonly #numbers: LeasableNumbers<T>;
  readonly #clock: Clock;
  readonly #queries: Record<
    "living" | "held" | "clash" | "add" | "cursor" | "moveCursor" | "release" | "rested" | "count",
    Query
  >;

  constructor(database: Database, numbers: LeasableNumbers<T>, clock: Clock = systemClock) {
    this.#database = database;
    this.#numbers = numbers;
    this.#clock = clock;
    const prepare = (sql: string): Query => database.prepare(sql);
    this.#queries = {
      living: prepare("SELECT * FROM leases WHERE released IS NULL ORDER BY number"),
      held: prepare("SELECT * FROM leases WHERE pod = ? AND released IS NULL"),
      clash: prepare(`
        SELECT 1 FROM leases
        WHERE (number = ? OR ip4 = ? OR ip6 = ? OR link_index = ? OR link_name = ?) AND (released IS NULL OR abs(? - released) < ?)`),
      add: prepare("INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"),
      cursor: prepare("SELECT value FROM counters WHERE name = 'lease'"),
      moveCursor: prepare("UPDATE counters SET value = ? WHERE name = 'lease'"),
      release: prepare("UPDATE leases SET released = ? WHERE pod = ? AND released IS NULL"),
      // A wall clock that was set back must not make addresses rest for ever, hence abs().
      rested: prepare("DELETE FROM leases WHERE abs(? - released) >= ?"),
      count: prepare(
        "SELECT count(*) FILTER (WHERE released IS NULL) AS used, count(released) AS resting, min(released) AS oldest FROM leases",
      ),
    };
  }

  /** The pod's lease, a new one when it has none. Throws AddressesExhausted. */
  acquire(pod: string): Lease & T {
    return this.#database.transaction(() => {
      const held = this.#queries.held.get(pod);
      if (held !== undefined) return this.#read(held);
      this.#queries.rested.run(this.#clock.now(), REST_MILLISECONDS);
      const number = this.#free([]);
      const network = this.#numbers.at(number);
      const { ip4, ip6, linkIndex, linkName } = network;
      this.#queries.add.run(number, pod, ip4, ip6, linkIndex, linkName, JSON.stringify(network));
      this.#queries.moveCursor.run(number);
      return { ...network, pod, number };
    });
  }

  /** What the next `count` pods would get, nothing recorded: for a plan that is only shown. Throws AddressesExhausted. */
  preview(count: number): readonly T[] {
    const taken: number[] = [];
    for (let i = 0; i < count; i++) taken.push(this.#free(taken));
    return taken.map((number) => this.#numbers.at(number));
  }

  /** Gives the pod's lease back; it rests before somebody else gets it. false: the pod had none. */
  release(pod: string): boolean {
    return this.#queries.release.run(this.#clock.now(), pod) > 0;
  }

  get(pod: string): (Lease & T) | undefined {
    const row = this.#queries.held.get(pod);
    return row === undefined ? undefined : this.#read(row);
  }

  /** The living ones, by number. */
  list(): readonly (Lease & T)[] {
    return this.#queries.living.all().map((row) => this.#read(row));
  }

  #free(taken: readonly number[]): number {
    const { first, last } = this.#numbers;
    const now = this.#clock.now();
    const cursor = taken.at(-1) ?? Number(this.#queries.cursor.get()?.["value"]);
    const begin = cursor >= first && cursor < last ? cursor + 1 : first;
    for (let step = 0; step <= last - first; step++) {
      const number = begin + step <= last ? begin + step : begin + step - (last - first + 1);
      const { ip4, ip6, linkIndex, linkName } = this.#numbers.at(number);
      const clash = this.#queries.clash.get(number, ip4, ip6, linkIndex, linkName, now, REST_MILLISECONDS);
      if (clash === undefined && !taken.includes(number)) return number;
    }
    throw this.#exhausted();
  }

  #exhausted(): PodrunError {
    const row = this.#queries.count.get() ?? {};
    const [used, resting] = [Number(row["used"]), Number(row["resting"])];
    const total = this.#numbers.last - this.#numbers.first + 1;
    const wait = Math.ceil((REST_MILLISECONDS - Math.abs(this.#clock.now() - Number(row["oldest"]))) / 1000);
    const next = resting > 0 ? `, ${resting} rest after use, the next is free in ${Math.max(1, wait)} s` : "";
    return new PodrunError(
      "AddressesExhausted",
      `all ${total} pod addresses of ${this.#numbers.name} are taken: ${used} in use${next}; delete pods, or set larger ranges (PODRUN_CIDR4, PODRUN_CIDR6)`,
      { details: { range: this.#numbers.name, total, used, resting } },
    );
  }

  /** What was recorded holds, also when the configuration has changed since: the kernel has it so. */
  #read(row: Row): Lease & T {
    const network = JSON.parse(String(row["network"])) as T;
    return { ...network, pod: String(row["pod"]), number: Number(row["number"]) };
  }
}
