import { logins } from './logins.ts';
import { firefox } from './playwright.ts';

logins('Firefox', firefox);
