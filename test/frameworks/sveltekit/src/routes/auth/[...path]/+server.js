import { env } from '$env/dynamic/private';
import { createLogin } from 'cms-auth-functions';

const login = createLogin({ settings: env });

/** Every method. */
export const fallback = ({ request }) => login.fetch(request);
