import { firstOf } from '../lib/first.ts';
import { gateway } from '../lib/gateway/handler.ts';
import { bitbucket } from '../lib/gateway/hosts/bitbucket.ts';
import { github } from '../lib/gateway/hosts/github.ts';
import { gitlab } from '../lib/gateway/hosts/gitlab.ts';
import { serve } from '../lib/serve.ts';
import { signIn } from '../lib/sign-in/handler.ts';

/** The Git hosts that a repository behind the gateway can be at. */
export const hosts = [github, gitlab, bitbucket];

export const wing = firstOf(signIn(hosts), gateway(hosts));
export const handler = serve(wing);

export const paths = ['/git', '/git/*'];
