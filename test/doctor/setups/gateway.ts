import { backend, loginServer, type Setup } from './setup.ts';

const gateway = ['name: git-gateway', 'branch: main'];
const own = `gateway_url: ${loginServer}/git`;
const auth = (...lines: string[]) => `auth:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const good = [`base_url: ${loginServer}/git`, 'app_id: cms', 'full_name_claim: name'];

/** Through a gateway. */
export const gatewaySetups: Setup[] = [
  {
    name: 'gateway without https',
    text: backend(...gateway, 'auth_type: pkce', 'gateway_url: auth.example.com/git') + auth(...good),
    says: /gateway_url is no address with https:\/\/ in front: auth\.example\.com/,
    line: 5,
  },
  {
    name: 'gateway with a query',
    text: backend(...gateway, 'auth_type: pkce', 'gateway_url: https://auth.example.com/git?site=a') + auth(...good),
    says: /gateway_url is more than an address and a path: https:\/\/auth\.example\.com\/git\?site=… /,
    write: 'gateway_url: https://auth.example.com/git',
  },
  {
    name: 'gateway on http',
    text: backend(...gateway, 'auth_type: pkce', 'gateway_url: http://auth.example.com/git') + auth(...good),
    says: /gateway_url begins with http:/,
    write: 'gateway_url: https://auth.example.com/git',
  },
  {
    name: 'gateway with the host’s name',
    text: backend(...gateway, 'auth_type: pkce', `${own}/github`) + auth(...good),
    says: /gateway_url ends with the name of a Git host/,
    severity: 'risky',
    write: 'gateway_url: https://auth.example.com/git',
  },
  {
    name: 'auth without auth_type',
    text: backend(...gateway, own) + auth(...good),
    says: /There is an auth block, but no "auth_type: pkce"/,
    write: 'auth_type: pkce',
  },
  {
    name: 'auth_type under auth',
    text: backend(...gateway, own) + auth('auth_type: pkce', ...good),
    says: /auth_type stands under auth instead of under backend/,
    line: 6,
    write: 'auth_type: pkce',
  },
  {
    name: 'auth_type at the top level',
    text: `auth_type: pkce\n${backend(...gateway, own)}${auth(...good)}`,
    says: /auth_type stands at the top level instead of under backend/,
    line: 1,
  },
  {
    name: 'auth under backend',
    text: backend(...gateway, own, 'auth_type: pkce', 'auth:', `  base_url: ${loginServer}/git`),
    says: /auth stands under backend instead of at the top level/,
  },
  {
    name: 'pkce without auth',
    text: backend(...gateway, own, 'auth_type: pkce'),
    says: /"auth_type: pkce" without base_url under auth/,
    write: 'base_url: https://auth.example.com/git',
  },
  {
    name: 'pkce without a claim for the name',
    text: backend(...gateway, own, 'auth_type: pkce') + auth(...good.slice(0, 2)),
    says: /full_name_claim is not set/,
    severity: 'risky',
    write: 'full_name_claim: name',
  },
  {
    name: 'pkce with its keys under backend',
    text: backend(...gateway, own, 'auth_type: pkce', `base_url: ${loginServer}/git`, 'app_id: cms'),
    says: /full_name_claim is not set/,
    severity: 'risky',
    write: 'backend:',
  },
  {
    name: 'pkce in Netlify CMS',
    text: backend(...gateway, own, 'auth_type: pkce') + auth(...good),
    cms: 'netlify',
    says: /Netlify CMS knows no "auth_type: pkce" for git-gateway/,
  },
  {
    name: 'a gateway, but nowhere to log in',
    text: backend(...gateway, own),
    says: /Neither identity_url nor "auth_type: pkce" is set/,
    severity: 'risky',
    write: 'auth_type: pkce',
  },
  {
    name: 'a gateway without a branch',
    text: backend('name: git-gateway', own, 'auth_type: pkce') + auth(...good),
    says: /branch is not set, so the CMS takes master/,
    severity: 'risky',
    write: 'branch: main',
  },
];
