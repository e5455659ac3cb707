// @ts-check
/**
 * Runs a program so that nothing of it can outlive the test: once the pipe from the test closes, however that came about,
 * the program's whole process group goes. The test starts this file as the leader of that group.
 */
import { spawn } from 'node:child_process';

const [program = '', ...parameters] = process.argv.slice(2);
const end = () => process.kill(-process.pid, 'SIGKILL'); // this process, too

spawn(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] })
  .on('error', (error) => void process.stderr.write(`\n${error.message}\n`, end))
  .on('exit', (code, signal) => void process.stderr.write(`\nEnded with ${signal ?? code}.\n`, end));

process.stdin.resume().on('end', () => {
  process.on('SIGTERM', () => {});
  process.kill(-process.pid, 'SIGTERM');
  setTimeout(end, 5_000);
});
