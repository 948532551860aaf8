// How a pull is shown: a picture that is drawn over on a terminal, plain lines elsewhere, nothing with --quiet. On stderr.
import type { PulledImage, PullProgress } from "../../api/client-images.ts";
import { atExit } from "../interrupt.ts";
import { redraw } from "../output/redraw.ts";
import { formatSize } from "../output/size.ts";
import { drawPull, oneLine, shortDigest, wordVerifying } from "./pull-draw.ts";
import { applyProgress, beginView } from "./pull-view.ts";

export interface PullReporter {
  readonly onProgress: (progress: PullProgress) => void;
  /** Without an image: it failed. */
  readonly end: (image?: PulledImage) => void;
}

const DRAW_MILLIS = 100;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

export function makePullReporter(reference: string, quiet: boolean): PullReporter {
  if (quiet) return { onProgress: () => undefined, end: () => undefined };
  process.stderr.write(`Trying to pull ${reference}...\n`);
  const isScreen = process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
  return isScreen ? drawOnScreen(reference) : printLines();
}

function drawOnScreen(reference: string): PullReporter {
  const { stderr } = process;
  let view = beginView(reference);
  let drawn: readonly string[] = [];
  const draw = (): void => {
    const screen = { columns: stderr.columns || 80, rows: stderr.rows || 24 };
    const lines = drawPull(view, screen, performance.now());
    if (lines.join("\n") === drawn.join("\n")) return;
    stderr.write(redraw(drawn, lines, screen.columns));
    drawn = lines;
  };
  const timer = setInterval(draw, DRAW_MILLIS);
  stderr.write(HIDE_CURSOR);
  const restore = (): void => void stderr.write(SHOW_CURSOR);
  const forget = atExit(restore);
  return {
    onProgress: (progress) => {
      view = applyProgress(view, progress, performance.now());
    },
    end: (image) => {
      clearInterval(timer);
      draw();
      restore();
      forget();
      if (image !== undefined) stderr.write(wordEnd(image));
    },
  };
}

function printLines(): PullReporter {
  const states = new Map<string, string>();
  return {
    onProgress: (progress) => {
      if (progress.type === "layer") {
        const key = `${progress.state} ${progress.message ?? ""}`;
        if (states.get(progress.digest) === key) return;
        states.set(progress.digest, key);
      }
      process.stderr.write(wordProgress(progress));
    },
    end: (image) => {
      if (image !== undefined) process.stderr.write(wordEnd(image));
    },
  };
}

/** A line for what is worth one, else "". */
export function wordProgress(progress: PullProgress): string {
  if (progress.type === "verifying") return `${wordVerifying(progress)}\n`;
  if (progress.type === "resolved") {
    const { layers, digest, source } = progress;
    const size = formatSize(layers.reduce((sum, layer) => sum + layer.size, 0));
    return `Found ${digest} at ${oneLine(source)}: ${layers.length} layer${layers.length === 1 ? "" : "s"}, ${size}\n`;
  }
  if (progress.type === "recording") return "Writing to disk\n";
  const name = shortDigest(progress.digest);
  if (progress.state === "done") return `${name}: done, ${formatSize(progress.size)}\n`;
  if (progress.state === "exists") return `${name}: already exists\n`;
  if (progress.state === "retrying") return `${name}: retrying: ${oneLine(progress.message ?? "")}\n`;
  return "";
}

export function wordEnd({ reference, unchanged, size }: PulledImage): string {
  return unchanged ? `${reference} is up to date\n` : `Pulled ${reference}, ${formatSize(size)} on disk\n`;
}
