import { gateway } from '../lib/gateway/handler.ts';
import { bitbucket } from '../lib/gateway/rules/bitbucket.ts';
import { github } from '../lib/gateway/rules/github.ts';
import { gitlab } from '../lib/gateway/rules/gitlab.ts';
import { serve } from '../lib/handler/serve.ts';
import { signIn } from '../lib/gateway/sign-in/handler.ts';

/** The Git hosts that a repository behind the gateway can be at. */
export const hosts = [github, gitlab, bitbucket];

export const routes = [signIn(hosts), gateway(hosts)];
export const handler = serve(routes);

export const paths = ['/git', '/git/*'];
