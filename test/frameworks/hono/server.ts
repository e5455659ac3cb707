import { serve } from '@hono/node-server';
import { createLogin } from 'cms-auth-functions';
import { Hono } from 'hono';

const login = createLogin();
const app = new Hono();

app.get('/', (c) => c.text('The page that was there before'));
app.all('/auth', (c) => login.fetch(c.req.raw));
app.all('/auth/*', (c) => login.fetch(c.req.raw));

serve({ fetch: app.fetch, port: Number(process.env['PORT']) });
