import type { APIRoute } from 'astro';
import { createLogin } from 'cms-auth-functions';

export const prerender = false;

const login = createLogin();

export const ALL: APIRoute = ({ request }) => login.fetch(request);
