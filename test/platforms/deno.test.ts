import { describeRuntime, deno } from './runtimes.ts';

describeRuntime('Deno', deno, { shell: 'fetch', megabytes: 32 });
