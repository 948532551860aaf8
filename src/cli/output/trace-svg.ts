// A start's timeline as a picture.
import { wordPart } from "../plan.ts";
import { formatMicroseconds, type Timeline, type TimelineEntry } from "./trace-draw.ts";

const ROW = 16;
const LEFT = 470;
const BARS = 700;
const RIGHT = 90;
const TOP = 56;
const COLOURS: Readonly<Record<string, string>> = {
  daemon: "#8e5bb5",
  monitor: "#3b6fb6",
  stage: "#3f9a55",
  child: "#d08a1d",
};

export function drawSvg(timeline: Timeline, title: string): string {
  const rows: string[] = [];
  let y = TOP;
  let part: string | undefined;
  for (const entry of timeline.entries) {
    if (entry.part !== part) {
      y += ROW * 1.5;
      rows.push(`<text x="8" y="${y - 4}" font-weight="bold">${escapeXml(wordPart(entry.part))}</text>`);
      part = entry.part;
    }
    rows.push(drawRow(entry, timeline.length, y));
    y += ROW;
  }
  const width = LEFT + BARS + RIGHT;
  const height = y + ROW;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n` +
    `<text x="8" y="20" font-size="15">${escapeXml(title)}: ${timeline.entries.length} operations in ` +
    `${formatMicroseconds(timeline.length)}</text>\n${drawLegend()}\n${drawScale(timeline.length, height)}\n${rows.join("\n")}\n</svg>\n`
  );
}

function drawRow(entry: TimelineEntry, total: number, y: number): string {
  const scale = total === 0 ? 0 : BARS / total;
  const x = LEFT + entry.start * scale;
  const length = Math.max(entry.length * scale, 1);
  const fill = entry.errno === undefined ? (COLOURS[entry.actor] ?? "#777777") : "#cc2222";
  const label = entry.text.length > 72 ? `${entry.text.slice(0, 71)}…` : entry.text;
  const took = formatMicroseconds(entry.length);
  return (
    `<g><title>${escapeXml(`${entry.index} ${entry.actor}: ${entry.text}\n${took}\n${entry.why}`)}</title>` +
    `<text x="34" y="${y + 11}" text-anchor="end" fill="#777777">${entry.index}</text>` +
    `<text x="42" y="${y + 11}">${escapeXml(label)}</text>` +
    `<rect x="${x.toFixed(2)}" y="${y + 2}" width="${length.toFixed(2)}" height="${ROW - 4}" fill="${fill}"/>` +
    `<text x="${(x + length + 4).toFixed(2)}" y="${y + 11}" fill="#777777">${took}</text></g>`
  );
}

function drawLegend(): string {
  return Object.entries(COLOURS)
    .map(([actor, fill], index) => {
      const x = 8 + index * 90;
      return `<rect x="${x}" y="30" width="10" height="10" fill="${fill}"/><text x="${x + 14}" y="39">${actor}</text>`;
    })
    .join("");
}

/** Five lines from 0 to the end. */
function drawScale(total: number, height: number): string {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const x = LEFT + share * BARS;
      return (
        `<line x1="${x}" y1="${TOP}" x2="${x}" y2="${height}" stroke="#dddddd"/>` +
        `<text x="${x}" y="${TOP - 4}" text-anchor="middle" fill="#777777">${formatMicroseconds(total * share)}</text>`
      );
    })
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Also drops what XML may not contain. */
function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => ENTITIES[letter] ?? letter).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");
}
