import { startNetlify } from './netlify.ts';
import { describePlatform } from './suite.ts';

// Without an address of its own to go by: Netlify knows it, and most owners leave it at that.
describePlatform('netlify serve', startNetlify('serve', { CMS_AUTH_URL: '' }), { owns: 'listed', forbidden: 'lost' });
