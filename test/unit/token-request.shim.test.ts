import { vi } from 'vitest';
import * as light from '../../lib/oauth/fetch-shim.ts';

// The same once more as it is deployed on Lambda and Firebase, where the OAuth library has these in the place of Node's own.
vi.stubGlobal('Headers', light.Headers);
vi.stubGlobal('Response', light.Response);
await import('./token-request.test.ts');
