import { describeRuntime, workerd } from './runtimes.ts';

describeRuntime('workerd', workerd());
