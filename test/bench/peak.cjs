// @ts-check
const { writeSync } = require('node:fs');
process.on('exit', () => void writeSync(3, String(process.resourceUsage().maxRSS))); // KiB
