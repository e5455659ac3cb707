import { aws } from './targets/aws.ts';
import { cloudflare } from './targets/cloudflare.ts';
import { firebase } from './targets/firebase.ts';
import { netlify } from './targets/netlify.ts';
import { server } from './targets/server.ts';
import type { Target } from './targets/target.ts';

/** Where the login can be deployed to, in the order in which they are offered. */
export const targets = { netlify, cloudflare, aws, firebase, server } as const satisfies Readonly<
  Record<string, Target>
>;
export type TargetName = keyof typeof targets;
