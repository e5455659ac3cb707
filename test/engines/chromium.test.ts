import { gatewayLogins } from './gateway.ts';
import { logins } from './logins.ts';
import { uploads } from './uploads.ts';
import { chromium } from './playwright.ts';

logins('Chromium', chromium);
uploads('Chromium', chromium);
gatewayLogins('Chromium', chromium);
