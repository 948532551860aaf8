// A pull as lines on a terminal: what is known in, lines out. Each fits on the terminal, all of them too.

import { formatSize } from "../output/size.ts";
import { type LayerView, type PullView, rateOf } from "./pull-view.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

const ACTIVE = ["downloading", "unpacking", "retrying"];
const WORDS = {
  waiting: "Waiting",
  exists: "Already exists",
  downloading: "Downloading",
  unpacking: "Unpacking",
  retrying: "Retrying",
  done: "Done",
} as const satisfies Record<LayerView["state"], string>;
const STATE_WIDTH = Math.max(...Object.values(WORDS).map((word) => word.length));
const BAR_WIDTH = 30;
/** A bar of fewer cells says nothing. */
const BAR_LEAST = 10;

/** All layers where they fit, else those that something happens to; with more than one layer the last line sums up. */
export function drawPull(view: PullView, screen: Screen, now: number): readonly string[] {
  if (view.layers.length === 0)
    return view.verifying === undefined
      ? []
      : [wordVerifying(view.verifying).slice(0, Math.max(screen.columns - 1, 1))];
  // One row below for the cursor, one for the sum.
  const room = Math.max(screen.rows - 2, 1);
  const fits = view.layers.length <= room;
  const shown = (fits ? view.layers : view.layers.filter(({ state }) => ACTIVE.includes(state))).slice(0, room);
  const lines = shown.map((layer) => drawLayer(view, layer, screen, now));
  if (view.layers.length > 1) lines.push(drawSum(view, now));
  // The last column is left free: a full line would wrap on some terminals.
  return lines.map((line) => line.slice(0, Math.max(screen.columns - 1, 1)));
}

function drawLayer(view: PullView, layer: LayerView, screen: Screen, now: number): string {
  const name = `${shortDigest(layer.digest)}  ${WORDS[layer.state].padEnd(STATE_WIDTH)}`;
  switch (layer.state) {
    case "waiting":
    case "exists":
      return name.trimEnd();
    case "done":
      return `${name}  ${formatSize(layer.size)}`;
    case "retrying":
      return `${name}  ${oneLine(layer.message ?? "")}`.trimEnd();
    case "unpacking":
      return withBar(name, layer, `${formatSize(layer.unpacked)} written`, screen);
    case "downloading": {
      const rate = rateOf(view, layer.digest, now);
      const speed = rate === undefined ? "" : `  ${formatSize(rate)}/s`;
      return withBar(name, layer, `${formatSize(layer.bytes)} of ${formatSize(layer.size)}${speed}`, screen);
    }
  }
}

function withBar(name: string, layer: LayerView, text: string, screen: Screen): string {
  // As wide as what may come to stand behind it, so that bars do not change their width all the time.
  const behind = Math.max(text.length, "999 MB of 999 MB  999 MB/s".length);
  const width = Math.min(BAR_WIDTH, screen.columns - 1 - name.length - behind - 6);
  if (width < BAR_LEAST) return `${name}  ${text}`;
  return `${name}  [${bar(layer.bytes, layer.size, width)}]  ${text}`;
}

function bar(part: number, whole: number, width: number): string {
  const filled = whole <= 0 ? width : Math.min(Math.floor((part / whole) * width), width);
  if (filled === width) return "=".repeat(width);
  return `${"=".repeat(filled)}>`.padEnd(width);
}

function drawSum(view: PullView, now: number): string {
  const count = (...states: readonly LayerView["state"][]): number =>
    view.layers.filter(({ state }) => states.includes(state)).length;
  const counts = [
    [count("done"), "done"],
    [count("exists"), "already here"],
    [count("downloading", "unpacking", "retrying"), "in progress"],
    [count("waiting"), "waiting"],
  ] as const;
  const fetched = view.layers.filter(({ state }) => state !== "exists");
  const sum = (of: (layer: LayerView) => number): number => fetched.reduce((total, layer) => total + of(layer), 0);
  const rate = sum((layer) => (layer.state === "downloading" ? (rateOf(view, layer.digest, now) ?? 0) : 0));
  return [
    `${view.layers.length} layers: ${counts.flatMap(([n, word]) => (n === 0 ? [] : [`${n} ${word}`])).join(", ")}`,
    `${formatSize(sum((layer) => (layer.state === "done" ? layer.size : layer.bytes)))} of ${formatSize(sum(({ size }) => size))}`,
    ...(rate > 0 ? [`${formatSize(rate)}/s`] : []),
    ...(view.recording ? ["writing to disk"] : []),
  ].join("   ");
}

export const wordVerifying = ({ file, scope }: NonNullable<PullView["verifying"]>): string =>
  `Checking its signature, as ${oneLine(file)} wants (${oneLine(scope)})`;

export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

/** What a registry said may hold anything: no newline, and no control sequence, may reach the terminal. */
export const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
