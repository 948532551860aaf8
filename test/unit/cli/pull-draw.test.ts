import t from "tap";
import { drawPull } from "../../../src/cli/image/pull-draw.ts";
import { wordEnd, wordProgress } from "../../../src/cli/image/pull-report.ts";
import {
  applyProgress,
  beginView,
  type LayerProgress,
  type PullView,
  rateOf,
} from "../../../src/cli/image/pull-view.ts";
import { redraw } from "../../../src/cli/output/redraw.ts";
import { formatSize } from "../../../src/cli/output/size.ts";

const digest = (n: number): string => `sha256:${String(n).padStart(12, "0").padEnd(64, "f")}`;

const layer = (n: number, state: LayerProgress["state"], more: Partial<LayerProgress> = {}): LayerProgress => ({
  type: "layer",
  digest: digest(n),
  state,
  bytes: 0,
  size: 10_000_000,
  unpacked: 0,
  ...more,
});

const resolved = (count: number): PullView =>
  applyProgress(
    beginView("web"),
    {
      type: "resolved",
      reference: "docker.io/library/web:latest",
      digest: digest(999),
      source: "docker.io",
      layers: Array.from({ length: count }, (_, n) => ({ digest: digest(n), size: 10_000_000 })),
    },
    0,
  );

const SCREEN = { columns: 100, rows: 24 };

t.test("each layer is a line: its state, a bar, bytes, rate, and a last line that sums up", async (t) => {
  let view = resolved(5);
  view = applyProgress(view, layer(0, "exists"), 0);
  view = applyProgress(view, layer(1, "downloading"), 0);
  view = applyProgress(view, layer(1, "downloading", { bytes: 2_500_000 }), 500);
  view = applyProgress(view, layer(2, "unpacking", { bytes: 10_000_000, unpacked: 25_000_000 }), 500);
  view = applyProgress(view, layer(3, "done"), 500);
  t.same(drawPull(view, SCREEN, 1000), [
    "000000000000  Already exists",
    `000000000001  Downloading     [${"=".repeat(7)}>${" ".repeat(22)}]  2.5 MB of 10 MB  2.5 MB/s`,
    `000000000002  Unpacking       [${"=".repeat(30)}]  25 MB written`,
    "000000000003  Done            10 MB",
    "000000000004  Waiting",
    "5 layers: 1 done, 1 already here, 2 in progress, 1 waiting   22.5 MB of 40 MB   2.5 MB/s",
  ]);
  const one = applyProgress(resolved(1), layer(0, "retrying", { message: "connection\x1b[2J\nlost" }), 0);
  t.same(drawPull(one, SCREEN, 0), ["000000000000  Retrying        connection [2J lost"]);
  t.same(drawPull(beginView("web"), SCREEN, 0), []);
});

t.test("120 layers on 24 lines: those that are worked on and the sum, never more lines than there are", async (t) => {
  let view = resolved(120);
  for (let n = 0; n < 40; n++) view = applyProgress(view, layer(n, "done"), 0);
  for (let n = 40; n < 43; n++) view = applyProgress(view, layer(n, "downloading", { bytes: 5_000_000 }), 0);
  const lines = drawPull(view, SCREEN, 0);
  t.equal(lines.length, 4);
  t.match(lines[0], /^000000000040 {2}Downloading/);
  t.equal(lines[3], "120 layers: 40 done, 3 in progress, 77 waiting   415 MB of 1.2 GB");
  for (let n = 43; n < 120; n++) view = applyProgress(view, layer(n, "downloading"), 0);
  t.equal(drawPull(view, SCREEN, 0).length, 23);
  t.equal(drawPull(view, { columns: 80, rows: 3 }, 0).length, 2);
});

t.test("no line is as wide as the terminal, however narrow; a bar that has no room is left out", async (t) => {
  const view = applyProgress(resolved(3), layer(1, "downloading", { bytes: 1_234_567 }), 0);
  for (const columns of [1, 2, 10, 20, 40, 70, 80, 300])
    for (const line of drawPull(view, { columns, rows: 24 }, 0)) t.ok(line.length < Math.max(columns, 2), `${columns}`);
  t.notMatch(drawPull(view, { columns: 60, rows: 24 }, 0).join("\n"), "[");
  t.match(drawPull(view, { columns: 80, rows: 24 }, 0).join("\n"), "[=");
});

t.test("the rate is that of the last seconds, falls when nothing comes, and begins anew with a download", async (t) => {
  let view = resolved(1);
  for (let at = 0; at <= 10_000; at += 100)
    view = applyProgress(view, layer(0, "downloading", { bytes: at < 5000 ? at * 100 : 500_000 + (at - 5000) }), at);
  t.equal(Math.round(rateOf(view, digest(0), 10_000) ?? 0), 1000);
  t.ok((view.samples.get(digest(0)) ?? []).length < 40);
  t.equal(rateOf(view, digest(0), 20_000), 0);
  view = applyProgress(view, layer(0, "downloading", { bytes: 5 }), 10_100);
  t.equal(rateOf(view, digest(0), 10_100), undefined);
});

t.test("a layer of no known size and a layer that was not announced are drawn, too", async (t) => {
  const view = applyProgress(beginView("web"), layer(7, "downloading", { size: 0, bytes: 5 }), 0);
  t.match(drawPull(view, SCREEN, 0)[0], /^000000000007 {2}Downloading {5}\[=+\] {2}5 B of 0 B/);
});

t.test("lines are drawn over in place, also when they become fewer or the terminal narrower", async (t) => {
  t.equal(redraw([], ["a", "b"], 80), "a\x1b[K\nb\x1b[K\n");
  t.equal(redraw(["a", "b"], ["c"], 80), "\x1b[2A\rc\x1b[K\n\x1b[J");
  t.equal(redraw(["x".repeat(50), ""], ["c"], 20), "\x1b[4A\rc\x1b[K\n\x1b[J");
  t.equal(redraw(["a"], [], 80), "\x1b[1A\r\x1b[J");
});

t.test(
  "without a terminal a finished layer is one line, bytes are none, and control characters never come through",
  async (t) => {
    const found = {
      type: "resolved",
      reference: "r",
      digest: "d",
      source: "s",
      layers: [{ digest: "a", size: 1_000_000 }],
    } as const;
    t.equal(wordProgress(found), "Found d at s: 1 layer, 1 MB\n");
    t.equal(wordProgress(layer(1, "done")), "000000000001: done, 10 MB\n");
    t.equal(wordProgress(layer(1, "exists")), "000000000001: already exists\n");
    t.equal(wordProgress(layer(1, "retrying", { message: "a\x1b]0;b\nc" })), "000000000001: retrying: a ]0;b c\n");
    t.equal(wordProgress(layer(1, "downloading")), "");
    t.equal(wordProgress(layer(1, "unpacking")), "");
    t.equal(wordProgress({ type: "recording" }), "Writing to disk\n");
    const image = { id: "i", reference: "docker.io/library/web:latest", digest: "d", size: 1_460_000 };
    t.equal(wordEnd({ ...image, unchanged: true }), "docker.io/library/web:latest is up to date\n");
    t.equal(wordEnd({ ...image, unchanged: false }), "Pulled docker.io/library/web:latest, 1.46 MB on disk\n");
  },
);

t.test("sizes have three figures and decimal units", async (t) => {
  const cases = { 0: "0 B", 999: "999 B", 1000: "1 kB", 999499: "999 kB", 999500: "1 MB", 1464000: "1.46 MB" };
  for (const [bytes, text] of Object.entries(cases)) t.equal(formatSize(Number(bytes)), text);
  t.equal(formatSize(142_700_000_000), "143 GB");
});
