// A JSON patch (RFC 6902): operations on places that JSON pointers (RFC 6901) name, all of them or none.
import { isDeepStrictEqual } from "node:util";
import { PodrunError } from "../base/errors.ts";

type Step = readonly string[];

/** More operations than any patch by hand has; the API server's limit as well. */
const MOST_OPERATIONS = 10_000;

/** Bytes of JSON that a patch's copies add up to: twenty copies of the whole into itself make it a million times as big. */
const MOST_COPIED = 3 * 1024 * 1024;

/**
 * What the operations make of an object, which is not changed. Throws BadRequest for what is no JSON patch, InvalidObject for one
 * that does not fit: a place that there is not, a test that fails, copies that are more than 3 MiB in sum (kube-apiserver counts
 * what is copied as well, up to the size of a request).
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new PodrunError("BadRequest", "a JSON patch is a list of operations");
  if (patch.length > MOST_OPERATIONS)
    throw new PodrunError("BadRequest", `${patch.length} operations in a JSON patch; ${MOST_OPERATIONS} are the most`);
  // The root has a name, so that it can be replaced like everything else.
  const root = { "": structuredClone(target) };
  let copied = 0;
  for (const [index, raw] of (patch as readonly unknown[]).entries()) {
    const fail = (text: string): never => {
      throw new PodrunError("InvalidObject", `JSON patch, operation ${index}: ${text}`);
    };
    const wrong = (text: string): never => {
      throw new PodrunError("BadRequest", `JSON patch, operation ${index}: ${text}`);
    };
    const copy = (value: unknown): unknown => {
      copied += Buffer.byteLength(JSON.stringify(value));
      return copied > MOST_COPIED ? fail(`more than ${MOST_COPIED} bytes of copies`) : structuredClone(value);
    };
    if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return wrong("want an object with op and path");
    operate(root, raw as Raw, { fail, wrong, copy });
  }
  return root[""];
}

interface Raw {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

interface Failures {
  /** The operation does not fit the object. */
  readonly fail: (text: string) => never;
  /** It is none. */
  readonly wrong: (text: string) => never;
}

interface Help extends Failures {
  /** Fails when this copy is one too many. */
  readonly copy: (value: unknown) => unknown;
}

function operate(root: object, raw: Raw, { copy, ...failures }: Help): void {
  const path = pointer(raw.path, "path", failures);
  const from = (): Step => pointer(raw.from, "from", failures);
  const value = (): unknown =>
    Object.hasOwn(raw, "value") ? structuredClone(raw.value) : failures.wrong(`${String(raw.op)} needs a value`);
  if (raw.op === "add") add(root, path, value(), failures);
  else if (raw.op === "remove") remove(root, path, failures);
  else if (raw.op === "replace") replace(root, path, value(), failures);
  else if (raw.op === "copy") add(root, path, copy(find(root, from(), failures)), failures);
  else if (raw.op === "move") move(root, from(), path, failures);
  else if (raw.op === "test") {
    if (!isDeepStrictEqual(find(root, path, failures), value())) failures.fail(`test of ${show(path)}: it is another`);
  } else failures.wrong(`op is ${JSON.stringify(raw.op)}: want add, remove, replace, move, copy or test`);
}

function move(root: object, from: Step, path: Step, failures: Failures): void {
  if (path.length > from.length && from.every((step, at) => step === path[at]))
    failures.fail(`${show(from)} can't be moved into itself`);
  const moved = find(root, from, failures);
  remove(root, from, failures);
  add(root, path, moved, failures);
}

/** RFC 6901: `/a~1b/0` is `["a/b", "0"]`; the root's own name comes first. */
function pointer(text: unknown, field: string, { wrong }: Failures): Step {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    return wrong(`${field} is ${JSON.stringify(text)}: want a JSON pointer, as /metadata/labels/tier`);
  return text.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const show = (path: Step): string =>
  path.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1")).join("/") || "the whole object";

function find(root: object, path: Step, failures: Failures): unknown {
  let at: unknown = root;
  for (const step of path) at = member(at, step, path, failures);
  return at;
}

function member(at: unknown, step: string, path: Step, { fail }: Failures): unknown {
  const isThere = Array.isArray(at) ? isIndex(step, at.length - 1) : isObject(at) && Object.hasOwn(at, step);
  return isThere ? (at as Record<string, unknown>)[step] : fail(`there is no ${show(path)}`);
}

function add(root: object, path: Step, value: unknown, failures: Failures): void {
  const parent = find(root, path.slice(0, -1), failures);
  const last = path.at(-1) as string;
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : isIndex(last, parent.length) ? Number(last) : -1;
    if (index < 0) failures.fail(`${show(path)}: want a place in the list, 0 to ${parent.length}, or -`);
    parent.splice(index, 0, value);
  } else if (isObject(parent)) define(parent, last, value);
  else failures.fail(`there is no ${show(path)}`);
}

function replace(root: object, path: Step, value: unknown, failures: Failures): void {
  find(root, path, failures);
  define(find(root, path.slice(0, -1), failures) as object, path.at(-1) as string, value);
}

function remove(root: object, path: Step, failures: Failures): void {
  find(root, path, failures);
  const parent = find(root, path.slice(0, -1), failures);
  if (path.length === 1) failures.fail("the whole object can't be removed");
  if (Array.isArray(parent)) parent.splice(Number(path.at(-1)), 1);
  else Reflect.deleteProperty(parent as object, path.at(-1) as string);
}

/** A member may be called __proto__, and is a member like any other. */
function define(parent: object, name: string, value: unknown): void {
  Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true });
}

const isIndex = (step: string, most: number): boolean => /^(0|[1-9]\d{0,8})$/.test(step) && Number(step) <= most;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
