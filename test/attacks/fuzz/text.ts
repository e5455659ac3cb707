/** Whatever a stranger may write. */
import fc from 'fast-check';
import { mark } from './ours.ts';

export const some = <T>(...values: T[]) => fc.constantFrom(...values);
/** One of many, of which some may count more. */
export const words = (text: string): string[] => text.split(' ');
export const often = <T>(weight: number, value: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });

const specials = words(
  `< > " ' & ; , % %0d%0a \\ </script><script> <!-- ]]> '-alert(1)-' &lt; javascript: \u2028 \u2029 \r\n \n \0 \t \ud800 \u{1f511} \x7f \x80 \r\nSet-Cookie:`,
).concat(' ');
export const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ maxLength: 30 }),
  some('', ...words('__proto__ constructor null undefined [object -1 1e999 % %ff %c0%80 + = &&')),
);
export const marked = (word: string) =>
  fc.tuple(some(...specials), noise, some(...specials)).map(([before, text, after]) => before + word + text + after);

export const text = fc.oneof(
  { weight: 6, arbitrary: marked(mark) },
  { weight: 4, arbitrary: noise },
  { weight: 1, arbitrary: some(5_000, 9_000, 20_000, 70_000).map((length) => mark.padEnd(length, 'x')) },
);
