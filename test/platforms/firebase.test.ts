import { startFramework } from './firebase.ts';
import { describePlatform } from './suite.ts';

describePlatform('functions-framework', startFramework, { owns: 'everything', cookies: 'session' });
