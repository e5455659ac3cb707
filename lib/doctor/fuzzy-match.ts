/** The same but for case, hyphens and underscores, or one slip of the finger (two in a long name). */
export function isFuzzyMatch(written: string, name: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const [a, b] = [plain(written), plain(name)];
  if (a === b) return true;
  return b.length >= 6 && distance(a, b) <= (b.length >= 10 ? 2 : 1);
}

/** Levenshtein's, with neighbours that changed places counted as one slip. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before?.[j - 2] ?? 9) + 1 : 9;
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min((last?.[j] ?? 9) + 1, (row[j - 1] ?? 9) + 1, (last?.[j - 1] ?? 9) + cost, swap));
    }
    [before, last] = [last, row];
  }
  return last?.[b.length] ?? 9;
}
