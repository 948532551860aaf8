/** Work that others' work must come between: long enough to cost little, short enough for nobody to notice. */
const SLICE_MILLIS = 5;

/** Tells long work when it is others' turn: by time, for nobody knows what a file or a name costs. */
export class Slice {
  readonly #now: () => number;
  #end: number;

  /** `now`: steady, milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#end = now() + SLICE_MILLIS;
  }

  isOver(): boolean {
    return this.#now() >= this.#end;
  }

  begin(): void {
    this.#end = this.#now() + SLICE_MILLIS;
  }
}
