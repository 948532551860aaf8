// What is known of a pull that goes on: progress in, a picture's facts out. No clock, no terminal.
import type { PullProgress } from "../../api/client-images.ts";

/** The rate is that of the last seconds. */
const RATE_MILLIS = 3000;

export type LayerProgress = Extract<PullProgress, { readonly type: "layer" }>;

export interface LayerView {
  readonly digest: string;
  readonly state: LayerProgress["state"];
  readonly bytes: number;
  readonly size: number;
  readonly unpacked: number;
  readonly message?: string | undefined;
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

export interface PullView {
  readonly reference: string;
  /** Lowest first. */
  readonly layers: readonly LayerView[];
  readonly recording: boolean;
  /** Its signature is looked for, as this says. */
  readonly verifying?: Extract<PullProgress, { readonly type: "verifying" }> | undefined;
  /** Bytes that came, by layer, in the last seconds. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

export const beginView = (reference: string): PullView => ({
  reference,
  layers: [],
  recording: false,
  samples: new Map(),
});

/** `now`: milliseconds of any steady clock. */
export function applyProgress(view: PullView, progress: PullProgress, now: number): PullView {
  if (progress.type === "recording") return { ...view, recording: true };
  if (progress.type === "verifying") return { ...view, verifying: progress };
  if (progress.type === "resolved") {
    const layers = progress.layers.map(({ digest, size }) => {
      const before = view.layers.find((layer) => layer.digest === digest);
      return before ?? ({ digest, size, state: "waiting", bytes: 0, unpacked: 0 } as const);
    });
    return { ...view, reference: progress.reference, layers, verifying: undefined };
  }
  const { type: _type, ...layer } = progress;
  const at = view.layers.findIndex(({ digest }) => digest === layer.digest);
  const layers = at === -1 ? [...view.layers, layer] : view.layers.with(at, layer);
  const samples = new Map(view.samples);
  samples.set(layer.digest, addSample(view.samples.get(layer.digest) ?? [], layer.bytes, now));
  return { ...view, layers, samples };
}

/** The oldest sample kept is the last one from before the window. */
function addSample(samples: readonly Sample[], bytes: number, at: number): readonly Sample[] {
  const last = samples.at(-1);
  // A download that began anew has no rate yet.
  const kept = last !== undefined && bytes < last.bytes ? [] : samples;
  const first = kept.findLastIndex((sample) => sample.at <= at - RATE_MILLIS);
  return [...kept.slice(Math.max(first, 0)), { at, bytes }];
}

/** Bytes a second over the last seconds; undefined when too little is known. */
export function rateOf(view: PullView, digest: string, now: number): number | undefined {
  const samples = view.samples.get(digest) ?? [];
  const from =
    samples[
      Math.max(
        samples.findLastIndex((sample) => sample.at <= now - RATE_MILLIS),
        0,
      )
    ];
  const last = samples.at(-1);
  if (from === undefined || last === undefined || now - from.at < 200) return undefined;
  return ((last.bytes - from.bytes) * 1000) / (now - from.at);
}
