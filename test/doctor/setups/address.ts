import { backend, github, gitlab, base, loginServer, type Setup } from './setup.ts';

/** Where the login server is: `base_url` and `auth_endpoint`. */
export const address: Setup[] = [
  // base_url
  {
    name: 'base_url with the path of a stage',
    text: backend(...github, `base_url: ${loginServer}/prod`),
    says: /base_url has a path \(\/prod\)/,
    line: 5,
    write: 'auth_endpoint: prod/auth',
  },
  {
    name: 'base_url with /auth',
    text: backend(...github, `base_url: ${loginServer}/auth`),
    says: /base_url has a path \(\/auth\)/,
    write: base,
  },
  {
    name: 'base_url with the path of a Netlify function',
    text: backend(...github, `base_url: ${loginServer}/.netlify/functions`),
    says: /base_url has a path/,
    write: base,
  },
  {
    name: 'base_url that is the callback address',
    text: backend(...github, `base_url: ${loginServer}/auth/github/callback`),
    says: /base_url has a path/,
    write: base,
  },
  {
    name: 'base_url with /auth, in Sveltia',
    text: backend(...github, `base_url: ${loginServer}/auth`),
    says: /base_url has a path/,
    cms: 'sveltia',
  },
  {
    name: 'base_url with a query',
    text: backend(...github, `base_url: ${loginServer}?provider=github`),
    says: /base_url has a path \(\/\?provider/,
  },
  {
    name: 'base_url with a final slash',
    text: backend(...github, `base_url: ${loginServer}/`),
    says: /base_url has a final slash/,
    severity: 'risky',
    write: base,
  },
  {
    name: 'base_url in capitals',
    text: backend(...github, 'base_url: https://Auth.Example.com'),
    says: /base_url is not spelt as browsers spell it/,
    write: base,
  },
  {
    name: 'base_url with the default port',
    text: backend(...github, 'base_url: https://auth.invalid:443'),
    says: /base_url is not spelt as browsers spell it: https:\/\/auth\.invalid/,
  },
  {
    name: 'base_url with an international name',
    text: backend(...github, 'base_url: https://bücher.invalid'),
    says: /base_url is not spelt .* https:\/\/xn--bcher-kva\.invalid/,
  },
  {
    name: 'base_url without a scheme',
    text: backend(...github, 'base_url: auth.invalid'),
    says: /base_url has no https:\/\/ in front/,
    write: 'base_url: https://auth.invalid',
  },
  {
    name: 'base_url with one slash too few',
    text: backend(...github, 'base_url: https:/auth.invalid'),
    says: /base_url has no https:\/\/ in front/,
  },
  {
    name: 'base_url on http',
    text: backend(...github, 'base_url: http://auth.invalid'),
    says: /base_url begins with http:\/\//,
    write: 'base_url: https://auth.invalid',
  },
  {
    name: 'base_url that is the Git host',
    text: backend(...github, 'base_url: https://github.com'),
    says: /base_url points at the Git host \(github\.com\)/,
  },
  {
    name: 'base_url that is the Git host of one’s own',
    text: backend(...gitlab, 'base_url: https://git.invalid', 'api_root: https://git.invalid/api/v4'),
    says: /base_url points at the Git host \(git\.invalid\)/,
  },
  {
    name: 'base_url of another server than the one that was set up',
    text: backend(...github, 'base_url: https://old.invalid'),
    args: ['--hop', loginServer],
    says: /base_url is https:\/\/old\.invalid, but your login server is https:\/\/auth\.example\.com/,
    write: base,
  },
  {
    name: 'base_url in quotes with a space',
    text: backend(...github, `base_url: "${loginServer} "`),
    says: /base_url has a space/,
  },
  {
    name: 'no base_url',
    text: backend(...github),
    says: /base_url is not set, so the CMS logs in at Netlify’s login server/,
    line: 1,
    severity: 'risky',
  },
  {
    name: 'no base_url, Sveltia with GitLab',
    text: backend(...gitlab),
    cms: 'sveltia',
    says: /base_url is not set, so the popup goes to gitlab\.com/,
  },
  {
    name: 'base_url left empty',
    text: backend(...github, 'base_url:'),
    says: /base_url is not set/,
    line: 5,
    severity: 'risky',
  },
  {
    name: 'base_url that a build was to fill in',
    text: backend(...github, 'base_url: "${AUTH_URL}"'),
    says: /base_url still holds a placeholder/,
    line: 5,
  },
  // auth_endpoint
  {
    name: 'auth_endpoint as a whole address',
    text: backend(...github, base, `auth_endpoint: ${loginServer}/auth`),
    says: /auth_endpoint is a whole address/,
    line: 6,
  },
  {
    name: 'auth_endpoint with a query',
    text: backend(...github, base, 'auth_endpoint: "auth?x=1"'),
    says: /auth_endpoint holds a "\?"/,
  },
  {
    name: 'auth_endpoint that is the callback',
    text: backend(...github, base, 'auth_endpoint: /auth/github/callback'),
    says: /auth_endpoint is the callback address/,
    write: 'auth_endpoint: auth/github',
  },
  {
    name: 'auth_endpoint of another host',
    text: backend(...github, base, 'auth_endpoint: auth/gitlab/authorize'),
    says: /auth_endpoint is for GitLab, but the backend is GitHub/,
    write: 'auth_endpoint: auth/github/authorize',
  },
  {
    name: 'no auth_endpoint for a server with a path',
    text: backend(...github, base),
    args: ['--hop', `${loginServer}/prod`],
    says: /auth_endpoint is not set, but the login server has a path: \/prod/,
    write: 'auth_endpoint: prod/auth',
  },
];
