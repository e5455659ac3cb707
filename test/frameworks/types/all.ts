import { createGateway, createLogin, errors, type App, type ErrorCode, type LoginOptions } from 'cms-auth-functions';
import firebase from 'cms-auth-functions/firebase/auth';
import { handler, type LambdaEvent, type LambdaResult } from 'cms-auth-functions/lambda/gateway';
import bun from 'cms-auth-functions/fetch/auth';
import vercel from 'cms-auth-functions/vercel/gateway';
import workers from 'cms-auth-functions/workers/auth';
import netlify, { config } from 'cms-auth-functions/netlify/auth';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const options: LoginOptions = { hosts: ['github'], settings: { GITHUB_CLIENT_ID: 'id', CMS_AUTH_URL: undefined } };
const login: App = createLogin(options);
createServer(login.node);
// @ts-expect-error there is no such host
createLogin({ hosts: ['sourceforge'] });
// @ts-expect-error there is no such code
export const none: ErrorCode = 'TOO_LATE';
export const status: number = errors.COOKIE_LOST.status;
export const answer: Promise<Response | undefined> = createGateway().respond(new Request('https://example.com/git'));
export const paths: string[] = config.path;
export const ofNetlify: (request: Request) => Promise<Response> = netlify;
export const ofLambda: (event: LambdaEvent) => Promise<LambdaResult> = handler;
export const ofFirebase = (
  request: IncomingMessage & { originalUrl: string; rawBody?: Buffer },
  response: ServerResponse,
): Promise<void> => firebase(request, response);
export const ofFetch: { fetch: (request: Request) => Promise<Response> }[] = [bun, vercel, workers];
