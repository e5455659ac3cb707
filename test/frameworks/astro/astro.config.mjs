import node from '@astrojs/node';
import { defineConfig } from 'astro/config';

export default defineConfig({
  adapter: node({ mode: 'standalone' }),
  // The login checks by itself who may renew a session.
  security: { checkOrigin: false },
});
