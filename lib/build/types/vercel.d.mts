/** A function for Vercel, in a file of `api/`. It always answers and does not reject. */
declare const handler: { fetch(request: Request, ...more: unknown[]): Promise<Response> };
export default handler;
