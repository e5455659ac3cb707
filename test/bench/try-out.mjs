// @ts-check
/** `node try-out.mjs MODULE` finds out what a subject can do, and says it as JSON on the last line. */
import { pathToFileURL } from 'node:url';
import { capabilities } from './capabilities.mjs';
import { startHost } from './host.mjs';
import { origin, settings } from './settings.mjs';

const host = await startHost({ record: true });
// Before it is loaded, which is when the others read them.
Object.assign(process.env, settings(host.url), { CMS_AUTH_REFRESH: 'github' });
const driver = await import(pathToFileURL(process.argv[2] ?? '').href);
const able = await capabilities({ ...driver, host, origin, evil: 'https://evil.example' });
console.log(JSON.stringify(able));
await host.close();
