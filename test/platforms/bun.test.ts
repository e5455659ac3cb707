import { describeRuntime, bun } from './runtimes.ts';

describeRuntime('Bun', bun);
