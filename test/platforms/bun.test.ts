import { describeRuntime, bun } from './runtimes.ts';

describeRuntime('Bun', bun, { shell: 'fetch', megabytes: 32 });
