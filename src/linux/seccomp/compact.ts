// A filter that says the same in fewer instructions. What most calls get depends on their number alone, and neighbours get
// the same: a tree over ranges of numbers says it in a third of what libseccomp needs, which has a leaf for each number.
import * as bpf from "./bpf.ts";

type Program = readonly bpf.Instruction[];

/** What becomes of a call whose architecture and number are known: an action, or what is still to be asked from `at` on. */
interface Outcome {
  readonly action?: number;
  readonly at?: number;
}

/** The numbers from `first` up to the next range's. */
interface Range {
  readonly first: number;
  readonly outcome: Outcome;
}

/** What calls are compared with. */
interface Constants {
  readonly numbers: ReadonlySet<number>;
  readonly architectures: ReadonlySet<number>;
}

const LARGEST = 0xffffffff;
/** A conditional jump's offset has 8 bits. */
const FARTHEST = 255;

/**
 * The kernel tries every number when it takes a filter in, and translates all of it. Comes back unchanged where it would not be
 * shorter, or reckons with numbers in a way that this does not follow.
 */
export function compact(filter: Buffer): Buffer {
  const program = bpf.decode(filter);
  const constants = findConstants(program);
  if (!constants) return filter;
  const block = (architecture: number): Program => {
    const code = tree(program, rangesOf(program, architecture, constants.numbers));
    return code.length === 1 ? code : [bpf.instruction(bpf.LOAD_WORD, bpf.NUMBER), ...code];
  };
  const unknown = block(oneNotIn(constants.architectures));
  const blocks = [...constants.architectures].reduce(
    (others, architecture) => choose(bpf.JUMP_EQUAL, architecture, block(architecture), others),
    unknown,
  );
  const result = [bpf.instruction(bpf.LOAD_WORD, bpf.ARCHITECTURE), ...blocks];
  return result.length < program.length ? bpf.encode(result) : filter;
}

/** Undefined: something is done with a number or an architecture but comparing it. */
function findConstants(program: Program): Constants | undefined {
  const found = { numbers: new Set<number>(), architectures: new Set<number>() };
  const seen = new Set<string>();
  const waiting: { readonly at: number; readonly loaded: number }[] = [{ at: 0, loaded: -1 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { at, loaded } = next;
    const one = program[at];
    if (!one || seen.has(`${at} ${loaded}`)) continue;
    seen.add(`${at} ${loaded}`);
    if (one.code === bpf.LOAD_WORD) {
      if (isKnown(one.k)) waiting.push({ at: at + 1, loaded: one.k });
    } else if (bpf.COMPARISONS.includes(one.code)) {
      if (!isKnown(loaded)) return undefined;
      (loaded === bpf.NUMBER ? found.numbers : found.architectures).add(one.k);
      waiting.push({ at: at + 1 + one.yes, loaded }, { at: at + 1 + one.no, loaded });
    } else if (one.code === bpf.JUMP_ALWAYS) waiting.push({ at: at + 1 + one.k, loaded });
    else if (one.code !== bpf.RETURN) return undefined;
  }
  return found;
}

const isKnown = (field: number): boolean => field === bpf.NUMBER || field === bpf.ARCHITECTURE;

/** An architecture that nobody asks for. */
function oneNotIn(architectures: ReadonlySet<number>): number {
  let value = 1;
  while (architectures.has(value)) value++;
  return value;
}

/** Between two constants all numbers are alike. */
function rangesOf(program: Program, architecture: number, numbers: ReadonlySet<number>): readonly Range[] {
  const points = new Set([0, ...[...numbers].flatMap((number) => [number, number + 1])]);
  const ranges: Range[] = [];
  for (const first of [...points].filter((point) => point <= LARGEST).sort((a, b) => a - b)) {
    const outcome = decide(program, architecture, first);
    const last = ranges.at(-1)?.outcome;
    if (last?.action !== outcome.action || last?.at !== outcome.at) ranges.push({ first, outcome });
  }
  return ranges;
}

function decide(program: Program, architecture: number, number: number): Outcome {
  let loaded = 0;
  for (let at = 0; ; ) {
    const { code, yes, no, k } = program[at] as bpf.Instruction;
    if (code === bpf.RETURN) return { action: k };
    if (code === bpf.LOAD_WORD && !isKnown(k)) return { at };
    if (code === bpf.LOAD_WORD) loaded = k === bpf.NUMBER ? number : architecture;
    else if (code === bpf.JUMP_ALWAYS) at += k;
    else at += bpf.compare(code, loaded, k) ? yes : no;
    at++;
  }
}

function tree(program: Program, ranges: readonly Range[]): Program {
  const [only, ...others] = ranges;
  if (!only) return [];
  const { action, at } = only.outcome;
  if (others.length === 0)
    return action === undefined ? reachable(program, at ?? 0) : [bpf.instruction(bpf.RETURN, action)];
  const middle = ranges.length >> 1;
  const { first } = ranges[middle] as Range;
  const [low, high] = [ranges.slice(0, middle), ranges.slice(middle)];
  return choose(bpf.JUMP_GREATER_EQUAL, first, tree(program, high), tree(program, low));
}

function choose(code: number, k: number, yes: Program, no: Program): Program {
  if (yes.length <= FARTHEST) return [bpf.instruction(code, k, 0, yes.length), ...yes, ...no];
  return [bpf.instruction(code, k, 1, 0), bpf.instruction(bpf.JUMP_ALWAYS, yes.length), ...yes, ...no];
}

/** The part of the program that can follow from `start`, moved together: all jumps go forward, so none gets longer. */
function reachable(program: Program, start: number): Program {
  const places = new Set<number>();
  const waiting = [start];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (places.has(at)) continue;
    places.add(at);
    waiting.push(...successors(program, at));
  }
  const order = [...places].sort((a, b) => a - b);
  const index = new Map(order.map((place, i) => [place, i]));
  const offset = (from: number, to: number): number => (index.get(to) ?? 0) - (index.get(from) ?? 0) - 1;
  return order.map((at) => {
    const one = program[at] as bpf.Instruction;
    const [first = 0, second = 0] = successors(program, at);
    if (one.code === bpf.JUMP_ALWAYS) return { ...one, k: offset(at, first) };
    return bpf.isJump(one.code) ? { ...one, yes: offset(at, first), no: offset(at, second) } : one;
  });
}

function successors(program: Program, at: number): readonly number[] {
  const { code, yes, no, k } = program[at] as bpf.Instruction;
  if (code === bpf.RETURN) return [];
  if (code === bpf.JUMP_ALWAYS) return [at + 1 + k];
  return bpf.isJump(code) ? [at + 1 + yes, at + 1 + no] : [at + 1];
}
