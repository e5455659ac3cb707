/** A function for Cloudflare Workers, with `nodejs_compat`. It always answers and does not reject. */
declare const handler: { fetch(request: Request, ...more: unknown[]): Promise<Response> };
export default handler;
