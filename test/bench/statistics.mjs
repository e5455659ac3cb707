// @ts-check
/**
 * What can be said of two things that ran in turn on a noisy machine: the ratio of each pair, and the middle of those.
 *
 * @typedef {object} Ratio
 * @property {number} median
 * @property {number} low of the middle half of all rounds
 * @property {number} high
 * @property {boolean} noise whether two runs in a row might differ by more than 10 %
 */

/** @param {readonly number[]} values @param {number} part 0 to 1 */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)] ?? NaN;
}

/**
 * @param {readonly number[]} of one value for each round
 * @param {readonly number[]} to of the same rounds
 * @returns {Ratio}
 */
export function ratio(of, to) {
  if (of.length === 0 || of.length !== to.length)
    throw new Error(`${of.length} rounds of one, ${to.length} of the other`);
  const ratios = of.map((value, round) => value / (to[round] ?? NaN));
  const median = quantile(ratios, 0.5);
  // Where the true median lies, with 95 %, whatever the distribution: between these two ranks of the sorted ratios.
  const reach = 0.98 / Math.sqrt(ratios.length);
  const width = quantile(ratios, 0.5 + reach) - quantile(ratios, 0.5 - reach);
  return { median, low: quantile(ratios, 0.25), high: quantile(ratios, 0.75), noise: width / median > 0.1 };
}
