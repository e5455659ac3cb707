import { describeRuntime, deno } from './runtimes.ts';

describeRuntime('Deno', deno);
