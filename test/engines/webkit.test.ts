import { gatewayLogins } from './gateway.ts';
import { logins } from './logins.ts';
import { uploads } from './uploads.ts';
import { webkit } from './webkit.ts';

logins('WebKit', webkit);
uploads('WebKit', webkit);
gatewayLogins('WebKit', webkit);
