/**
 * Writes the lines of one turn of the event loop in one go: with many calls at once, to write is the larger part of what a line
 * costs. They are written when the turn ends, and when the process does.
 *
 * @param write takes one line or more, without the last line end
 * @returns takes one line
 */
export function byTurn(write: (text: string) => void): (line: string) => void {
  const lines: string[] = [];
  const flush = () => {
    const text = lines.splice(0).join('\n');
    if (text !== '') write(text);
  };
  process.on('exit', flush); // a turn may end with an error that nobody caught
  return (line) => {
    if (lines.push(line) === 1) setImmediate(flush);
  };
}
