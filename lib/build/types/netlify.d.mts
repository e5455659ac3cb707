/** A function for Netlify, or for any other host of web-standard fetch handlers. It always answers and does not reject. */
declare const handler: (request: Request, context?: object) => Promise<Response>;
export default handler;

/** Netlify reads this from your own file without running it: write it out there. */
export declare const config: { path: string[] };
