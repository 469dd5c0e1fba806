/**
 * Seeded vectors that are spread like a text model's: topics, documents within them, passages
 * within those, each a draw from a Gaussian whose spectrum falls as that of a real model's, on the
 * unit sphere. Plain random vectors would be no stand-in: all of them are equally far apart.
 *
 * The constants were fitted to all-MiniLM-L6-v2's vectors of SciFact (5,183 abstracts, and its
 * test questions). There: mean cosine of two passages 0.11; of a question and its nearest,
 * tenth and hundredth passage 0.64, 0.46 and 0.33; local intrinsic dimension 18 to 22;
 * participation ratio 71. Here, with ten times the passages: 0.12; 0.68, 0.53 and 0.44; 19 to 25; 57.
 */
import { createNormal, mulberry32 } from '../support/random.js';

export const DIMENSIONS = 384;
export const TOPICS = 200;
/** Passages of one document. */
export const PER_DOCUMENT = 5;

/** What each level has of a vector's squared length; the rest is the mean that all share. */
const SHARES = { mean: 0.11, topic: 0.25, document: 0.25, passage: 0.39 } as const;

export interface DocumentVectors {
  readonly topic: number;
  readonly passages: readonly Float32Array[];
}

export interface Vectors {
  readonly documents: readonly DocumentVectors[];
  /** Each is near a document drawn from all of them. */
  readonly queries: readonly Float32Array[];
}

export function drawVectors(documents: number, queries: number, seed: number): Vectors {
  const random = mulberry32(seed);
  const normal = createNormal(random);
  const deviations = spectrum();
  const draw = (share: number): Float64Array =>
    Float64Array.from(deviations, (deviation) => normal() * deviation * Math.sqrt(share));
  const int = (below: number): number => Math.floor(random() * below);

  const mean = scaled(draw(1), Math.sqrt(SHARES.mean));
  const topics = Array.from({ length: TOPICS }, () => sum(mean, draw(SHARES.topic)));
  const centres = Array.from({ length: documents }, () => {
    const topic = int(TOPICS);
    return { topic, centre: sum(topics[topic] ?? mean, draw(SHARES.document)) };
  });
  const passageOf = (centre: Float64Array): Float32Array =>
    Float32Array.from(scaled(sum(centre, draw(SHARES.passage)), 1));
  return {
    documents: centres.map(({ topic, centre }) => ({
      topic,
      passages: Array.from({ length: PER_DOCUMENT }, () => passageOf(centre)),
    })),
    queries: Array.from({ length: queries }, () => passageOf(centres[int(documents)]?.centre ?? mean)),
  };
}

/** Standard deviations along the axes; their squares sum to 1. */
function spectrum(): Float64Array {
  const variances = Float64Array.from(
    { length: DIMENSIONS },
    (_, index) => (index + 1) ** -0.65 * Math.exp(-(index + 1) / 150),
  );
  const total = variances.reduce((before, variance) => before + variance, 0);
  return variances.map((variance) => Math.sqrt(variance / total));
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value + (b[index] ?? 0));
}

function scaled(vector: Float64Array, length: number): Float64Array {
  const scale = length / Math.hypot(...vector);
  return vector.map((value) => value * scale);
}
