/** What a share is likely to be, from `count` cases of `total`. */
export type Counted = { count: number; total: number };

/** Of the standard normal distribution: 95 % lies within this many deviations of its mean. */
const Z = 1.959964;

/**
 * The 95 % confidence interval of a share, after E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
 * Inference", JASA 22 (1927): unlike the usual one it holds for small numbers and near 0 and 1. Nothing counted: [0, 1].
 */
export function shareInterval({ count, total }: Counted): [low: number, high: number] {
  if (total === 0) return [0, 1];
  const share = count / total;
  const scale = 1 + Z ** 2 / total;
  const center = (share + Z ** 2 / (2 * total)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2));
  // Exactly 0 and 1 at the ends, where floating point leaves some 1e-17.
  return [count === 0 ? 0 : center - half, count === total ? 1 : center + half];
}

/** The mean of the beta distribution that begins as if `prior.weight` cases had been seen, `prior.share` of them counted. */
export function expectedShare({ count, total }: Counted, prior: { share: number; weight: number }): number {
  return (count + prior.share * prior.weight) / (total + prior.weight);
}
