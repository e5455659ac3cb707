/**
 * How the suites make the handlers that they test. Each can be written down, so that a platform with a process of its own makes
 * the same one there.
 */
import { routes } from '../../functions/gateway.ts';
import { signIn } from '../../lib/gateway/sign-in/handler.ts';
import { serve, type ServeOptions } from '../../lib/handler/serve.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { bitbucket } from '../../lib/providers/bitbucket.ts';
import { github } from '../../lib/providers/github.ts';
import { gitlab } from '../../lib/providers/gitlab.ts';
import type { RepositoryHost } from '../../lib/gateway/settings.ts';
import type { Handler } from '../../lib/http/http.ts';
import type { Provider } from '../../lib/providers/provider.ts';

/** The host that a sign-in is tested with; whose repository it is makes no difference to it. */
export const signInHosts: RepositoryHost[] = [
  { provider: github, fullName: /^[\w.-]+\/[\w.-]+$/, tokenPrefixes: ['ghp_', 'github_pat_'], apps: true },
];

/** What a handler is made of, the options left out. */
export type HandlerSpec = { kind: 'login'; providers: string[] } | { kind: 'gateway' } | { kind: 'sign-in' };

const all: readonly Provider[] = [github, gitlab, bitbucket];

/** Makes a handler from what was written down. */
export function makeHandler(spec: HandlerSpec, options: ServeOptions): Handler {
  switch (spec.kind) {
    case 'login':
      return createHandler(
        all.filter(({ id }) => spec.providers.includes(id)),
        options,
      );
    case 'gateway':
      return serve(routes, options);
    case 'sign-in':
      return serve([signIn(signInHosts)], options);
  }
}

const written = new WeakMap<Handler, { spec: HandlerSpec; options: ServeOptions }>();

/** @throws Error if it was not made here */
export function specOf(handler: Handler): { spec: HandlerSpec; options: ServeOptions } {
  const found = written.get(handler);
  if (!found)
    throw new Error(
      'Handlers of the contract are made by test/contract/handlers.ts, or no other process can make them.',
    );
  return found;
}

function keep(handler: Handler, spec: HandlerSpec, options: ServeOptions): Handler {
  written.set(handler, { spec, options });
  return handler;
}

export const loginHandler = (providers: readonly Provider[], options: ServeOptions): Handler =>
  keep(createHandler(providers, options), { kind: 'login', providers: providers.map(({ id }) => id) }, options);

const make =
  (spec: HandlerSpec) =>
  (options: ServeOptions): Handler =>
    keep(makeHandler(spec, options), spec, options);

export const gatewayHandler = make({ kind: 'gateway' });
export const signInHandler = make({ kind: 'sign-in' });
