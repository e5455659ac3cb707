/** A function for Deno, Bun and other hosts of fetch handlers. It always answers and does not reject. */
declare const handler: { fetch(request: Request, ...more: unknown[]): Promise<Response> };
export default handler;
