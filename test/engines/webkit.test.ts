import { logins } from './logins.ts';
import { webkit } from './webkit.ts';

logins('WebKit', webkit);
