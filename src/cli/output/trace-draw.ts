// A start's timeline as bars of characters.
import type { TracedOperationJson } from "../../api/client.ts";
import { wordOperation, wordPart } from "../plan.ts";

export interface TimelineEntry {
  readonly index: number;
  readonly part: string;
  readonly actor: string;
  readonly text: string;
  readonly why: string;
  /** Microseconds from the first operation's start. */
  readonly start: number;
  /** Microseconds it took. */
  readonly length: number;
  readonly errno: string | undefined;
}

export interface Timeline {
  readonly entries: readonly TimelineEntry[];
  /** Microseconds from the first start to the last end. */
  readonly length: number;
}

/** Operations that did not run (start 0) are left out. */
export function toTimeline(operations: readonly TracedOperationJson[]): Timeline {
  const run = operations.filter((one) => BigInt(one.start) > 0n);
  const first = run.reduce((least, one) => min(least, BigInt(one.start)), BigInt(run[0]?.start ?? 0));
  const entries = run.map((one) => ({
    index: one.index,
    part: one.part,
    actor: one.actor,
    text: wordOperation(one),
    why: one.why,
    start: Number(BigInt(one.start) - first) / 1000,
    // One that never ended (its actor died) has no length.
    length: Math.max(Number(BigInt(one.end) - BigInt(one.start)) / 1000, 0),
    errno: one.errno,
  }));
  return { entries, length: entries.reduce((most, one) => Math.max(most, one.start + one.length), 0) };
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Escape sequences: who does what is told by colour, too. */
const COLOURS: Readonly<Record<string, string>> = { daemon: "35", monitor: "34", stage: "32", child: "33" };
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

export function drawTrace(timeline: Timeline, options: { readonly columns: number; readonly colour: boolean }): string {
  const textWidth = Math.min(Math.max(24, Math.floor(options.columns * 0.4)), 60);
  const fixed = 2 + 4 + 2 + 8 + 1 + textWidth + 1 + 9 + 1;
  const barWidth = Math.max(10, options.columns - fixed);
  let text = "";
  let part: string | undefined;
  for (const entry of timeline.entries) {
    if (entry.part !== part) text += `${part === undefined ? "" : "\n"}${wordPart(entry.part)}\n`;
    part = entry.part;
    const label = entry.errno === undefined ? entry.text : `${entry.errno}: ${entry.text}`;
    const bar = drawBar(entry, timeline.length, barWidth);
    const colour = options.colour ? COLOURS[entry.actor] : undefined;
    text +=
      `  ${String(entry.index).padStart(4)}  ${entry.actor.padEnd(8)} ${clip(label, textWidth)} ` +
      `${formatMicroseconds(entry.length).padStart(9)} ${colour === undefined ? bar : `\x1b[${colour}m${bar}\x1b[39m`}\n`;
  }
  return `${text}\n${timeline.entries.length} operations in ${formatMicroseconds(timeline.length)}.\n`;
}

/** Never nothing: the shortest operation is a sliver. */
function drawBar(entry: TimelineEntry, total: number, width: number): string {
  const perCell = total === 0 ? 1 : total / width;
  const start = Math.min(Math.floor(entry.start / perCell), width - 1);
  const eighths = Math.max(1, Math.round((entry.length / perCell) * 8));
  const cells = Math.min(Math.floor(eighths / 8), width - start);
  const rest = cells === width - start ? "" : (EIGHTHS[eighths % 8] ?? "");
  return " ".repeat(start) + "█".repeat(cells) + rest;
}

function clip(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
}

/** `8.1 µs`, `345 µs`, `12.3 ms`. */
export function formatMicroseconds(value: number): string {
  if (value >= 100_000) return `${(value / 1000).toFixed(0)} ms`;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} ms`;
  return `${value.toFixed(value < 10 ? 1 : 0)} µs`;
}
