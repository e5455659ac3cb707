import { describeRuntime, workerd } from './runtimes.ts';

describeRuntime('workerd', workerd(), { shell: 'workers', megabytes: 16 });
