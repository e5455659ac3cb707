import { gatewayLogins } from './gateway.ts';
import { logins } from './logins.ts';
import { uploads } from './uploads.ts';
import { firefox } from './playwright.ts';

logins('Firefox', firefox);
uploads('Firefox', firefox);
gatewayLogins('Firefox', firefox);
