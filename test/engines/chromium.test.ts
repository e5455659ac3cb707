import { logins } from './logins.ts';
import { chromium } from './playwright.ts';

logins('Chromium', chromium);
