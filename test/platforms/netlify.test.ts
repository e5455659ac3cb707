import { startNetlify } from './netlify.ts';
import { describePlatform } from './suite.ts';

describePlatform('netlify dev', startNetlify('dev'), { owns: 'listed', forbidden: 'lost' });
