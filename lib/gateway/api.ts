import { Failure } from '../http/errors.ts';
import { json, type HttpReply } from '../http/http.ts';
import { lazy } from '../http/cache.ts';
import { receiveBody } from './body.ts';
import { gatewayErrors } from './errors.ts';
import { answerFields, writeQuery } from './graphql/table.ts';
import { commitAddress, type Editor } from './identity/editors.ts';
import { apis } from './rules/apis.ts';
import { HostRefused, StaleData, type ApiCall, type HostApi, type Session } from './rules/api.ts';
import type * as upstream from './proxy.ts';
import type { Context } from '../handler/router.ts';
import { readJson, type GatewayHost, type Json } from './rules/rule.ts';
import type { Gateway } from './settings.ts';

/**
 * A host's own API, in front of the rules: for CMSs that speak to the host itself and are pointed at us instead. What concerns
 * the repository goes on by the rules; what these CMSs only need in order to go on is answered from the session.
 *
 * Some platforms load this as a file of its own. So what goes out to the host, and remembers things, is handed in.
 */

/** The document's reader is a library, which only GraphQL pays for. */
const loadJudge = lazy(() => import('./graphql/document.ts'));

export interface ApiRequest {
  gateway: Gateway<GatewayHost>;
  editor: Editor;
  context: Context;
  upstream: Pick<typeof upstream, 'proxy' | 'proxyGraphQL'>;
}

interface Given extends ApiRequest {
  api: HostApi;
}

/** @throws Failure NO_SUCH_ADDRESS where the repository's host has none that is spoken here */
async function withHostApi(request: ApiRequest): Promise<Given> {
  const load = apis[request.gateway.host.provider.id];
  if (!load) throw new Failure(gatewayErrors.NO_SUCH_ADDRESS);
  return { api: (await load()).api, ...request };
}

/**
 * A call of the REST API.
 *
 * @param path below the API's root, as it came
 * @throws Failure for whatever stands in the way
 */
export async function answerRest(path: string, asked: ApiRequest): Promise<HttpReply> {
  const given = await withHostApi(asked);
  const { gateway, editor, context, api } = given;
  const { request, log } = context;
  const { host, fullName } = gateway;
  const home = host.repositoryPath(fullName);
  const isRepository = path.slice(0, home.length).toLowerCase() === home.toLowerCase();
  const rest = path.slice(home.length);
  const isBelow = isRepository && (rest === '' || rest.startsWith('/'));

  for (const { name, method, path: pattern, answer } of api.answers) {
    const [whole, part = ''] = (request.method === method && pattern.exec(path)) || [];
    if (whole === undefined || (path.startsWith('/repos/') && !isBelow)) continue;
    log.route = name;
    const value = answer(sessionOf(given), decoded(part));
    if (value === undefined) throw new Failure(gatewayErrors.NOT_ON_LIST);
    return value === null ? { ...json(204, {}), body: '' } : json(200, value);
  }
  if (!isBelow) throw new Failure(gatewayErrors.NOT_ON_LIST);
  return given.upstream.proxy(rest, withApi(given), editor, context);
}

/** The gateway with the rules of the API, and with links that these clients follow as they stand. */
function withApi({ gateway, api, context: { address } }: Given): Gateway<GatewayHost> {
  const { host, fullName } = gateway;
  const root = `${address.origin}${address.prefix}/git${host.api?.rest}${host.repositoryPath(fullName)}`;
  const links = { ...host.links, rewrite: (below: string) => `${root}${below}` };
  return { ...gateway, host: { ...host, links, rules: [...api.rules, ...host.rules] } };
}

const sessionOf = ({ gateway, editor, context }: Given): Session => ({
  gateway,
  editor,
  email: commitAddress(editor, context.address.origin),
});

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * A document of GraphQL: what is asked goes on to the host, written anew; what is to be done is done here, by the rules.
 *
 * @throws Failure where it is not about the document
 */
export async function answerGraphQL(asked: ApiRequest): Promise<HttpReply> {
  const given = await withHostApi(asked);
  const { context, gateway, api } = given;
  const { log } = context;
  // Also of what is refused: whoever tries the fence from within has a name.
  log.editor = sessionOf(given).email;
  const { query, variables } = await readDocument(context);
  const { judge } = await loadJudge();
  const mutations = Object.fromEntries(Object.entries(api.mutations).map(([name, { field }]) => [name, field]));
  let doing: string | undefined;
  try {
    const { operation, fields } = judge(query, variables, { query: api.query, mutation: mutations }, gateway);
    if (operation === 'query') {
      log.route = 'query';
      delete log.editor;
      return await given.upstream.proxyGraphQL(writeQuery(fields), gateway, context);
    }
    const [field] = fields;
    const mutation = field && api.mutations[field.name];
    if (!field || !mutation) throw new TypeError('A mutation was let through that is not on the table.');
    doing = field.alias;
    // What is logged is what was asked for, and not the steps to it.
    log.event = 'write';
    const done = await mutation.run(recordOf(field.given['input']), callOf(given)).finally(() => {
      log.route = mutation.name;
    });
    return json(200, { data: { [field.alias]: answerFields(field.fields ?? [], done) } });
  } catch (error) {
    return problemOf(error, doing, context);
  }
}

/** As GitHub says it, also to its own clients: with status 200, since that is where they look for words. */
function problemOf(error: unknown, doing: string | undefined, { log }: Context): HttpReply {
  const say = (type: string, message: string, code = type, logged = message) => {
    Object.assign(log, { outcome: 'failed', code, message: logged });
    return json(200, {
      data: doing === undefined ? null : { [doing]: null },
      errors: [{ type, message, ...(doing !== undefined && { path: [doing] }) }],
    });
  };
  if (error instanceof StaleData) return say('STALE_DATA', error.message);
  // What somebody else says is for the CMS: it may repeat what it was sent, and the log holds no words but ours.
  if (error instanceof HostRefused)
    return say('UNPROCESSABLE', error.message, undefined, 'The Git host refuses it, in words that went to the CMS.');
  // What must not be done, or is not there: that is about the document, and stands in it.
  if (error instanceof Failure && (error.status === 422 || error.status === 404))
    return say('FORBIDDEN', error.message, error.code);
  throw error;
}

function callOf(given: Given): ApiCall {
  const { editor, context, upstream: out } = given;
  const gateway = withApi(given);
  return {
    ...sessionOf(given),
    async rest(method, path, body) {
      const bytes = Buffer.from(body ? JSON.stringify(body) : '');
      const request = {
        ...context.request,
        method,
        path,
        query: '',
        headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
        body: () => [bytes],
        // It is as we have written it, and the answer is for us. What it takes of time is taken from all that is still to be done.
        platform: { ...context.request.platform, decodesPath: false, streams: false, deadline: context.deadline },
      };
      return valueOf(
        await out.proxy(path, gateway, editor, { ...context, request, parameters: new URLSearchParams() }),
      );
    },
    async graphql(document) {
      const { data, errors } = valueOf(await out.proxyGraphQL(document, gateway, context));
      const [problem] = Array.isArray(errors) ? (errors as unknown[]) : [];
      if (problem !== undefined) throw new HostRefused(422, messageIn(problem));
      return recordOf(data);
    },
  };
}

function valueOf({ status, body }: HttpReply): Json {
  const value =
    body === ''
      ? {}
      : recordOf(JSON.parse(typeof body === 'string' ? body : Buffer.from(body as Uint8Array).toString()));
  if (status >= 400) throw new HostRefused(status, messageIn(value));
  return value;
}

const messageIn = (value: unknown): string => {
  const { message } = recordOf(value);
  return typeof message === 'string' ? message : '';
};

const recordOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

async function readDocument(context: Context): Promise<{ query: string; variables: Json }> {
  const { bytes } = await receiveBody(context);
  let body: Json;
  try {
    body = readJson(bytes);
  } catch {
    body = {};
  }
  const { query, variables } = body;
  if (typeof query !== 'string')
    throw new Failure(gatewayErrors.UNKNOWN_DOCUMENT, { what: 'a document that is not JSON with a "query"' });
  return { query, variables: recordOf(variables) };
}
