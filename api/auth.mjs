// The login as a Vercel function, for all that vercel.json sends here. The build makes it.
export { default } from '../dist/vercel/auth.mjs';
