/**
 * Writes the lines of one turn of the event loop in one go: with many calls at once, to write is the larger part of what a line
 * costs. They are written when the turn ends, and when the process does.
 *
 * @param write takes one line or more, without the last line end
 * @returns takes one line
 */
export function byTurn(write: (text: string) => void): (line: string) => void {
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) write(lines.join('\n'));
    lines = [];
  };
  process.on('exit', flush); // a turn may end with an error that nobody caught
  return (line) => {
    if (lines.push(line) === 1) setImmediate(flush);
  };
}
