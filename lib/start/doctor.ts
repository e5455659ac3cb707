import { main } from '../doctor/main.ts';

/** `npm run doctor`: npm changes into the project first, so relative paths begin where the command was given. */
const folder = process.env['INIT_CWD'] ?? process.cwd();
process.exitCode = await main(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  colour: process.stdout.isTTY && !process.env['NO_COLOR'],
  folder,
});
