import { startOffline } from './osls.ts';
import { describePlatform } from './suite.ts';

// Unlike an HTTP API without CORS settings, which leaves CORS to the function.
describePlatform('osls offline', startOffline, { cors: 'imposed' });
