/**
 * A GitHub App as a program uses it: a JWT by its private key, the installation of a repository, and tokens that are good for an
 * hour and for what was asked.
 *
 * @see https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import type { GitHubHost } from '../github.ts';
import { HttpError } from '../http.ts';
import type { Answer } from '../routes.ts';

export interface InstalledApp {
  id: string;
  publicKey: KeyObject;
  installation: number;
  /** What its owner granted. */
  permissions: Record<string, 'read' | 'write'>;
  /** Milliseconds that a token of it is good for. */
  lifetime: number;
  /** By the owner of the account. It then gives out no token. */
  suspended?: boolean;
}

/** What was asked for, in order: a test that cares can look. */
export interface InstallationToken {
  repositories: unknown;
  permissions: Record<string, string>;
  /** Milliseconds since the epoch. */
  ends: number;
}

/** Answers the routes that want the app's own JWT; undefined for all others. */
export async function appRoutes(
  github: GitHubHost,
  { method, path, token, body }: { method: string; path: string; token: string; body: Record<string, unknown> },
): Promise<Answer | undefined> {
  const { installedApp: app, repository } = github;
  const [, owner, name] = /^\/repos\/([^/]+)\/([^/]+)\/installation$/.exec(path) ?? [];
  const [, id] = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path) ?? [];
  if (owner === undefined && id === undefined) return undefined;
  if (app === undefined) throw new HttpError(404, 'Not Found');
  try {
    // By GitHub's clock: not over, not of a time to come, and good for ten minutes at most.
    // https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    const now = Date.now() + github.clockAhead;
    await jwtVerify(token, app.publicKey, {
      algorithms: ['RS256'],
      issuer: app.id,
      requiredClaims: ['iat', 'exp'],
      currentDate: new Date(now),
    });
    const { iat = 0, exp = 0 } = decodeJwt(token);
    if (exp - now / 1000 > 600 || iat > now / 1000)
      throw new Error(`Issued at ${iat}, and good for more than ten minutes.`);
  } catch {
    throw new HttpError(401, 'A JSON web token could not be decoded');
  }
  if (method === 'GET' && owner !== undefined) {
    if (`${owner}/${name}`.toLowerCase() !== repository.fullName.toLowerCase()) throw new HttpError(404, 'Not Found');
    return { status: 200, body: { id: app.installation, app_id: Number(app.id), suspended_at: null } };
  }
  if (method !== 'POST' || id !== String(app.installation)) throw new HttpError(404, 'Not Found');
  const wanted = (body['permissions'] ?? app.permissions) as Record<string, string>;
  for (const [right, level] of Object.entries(wanted)) {
    const granted = app.permissions[right];
    if (granted === undefined || (level === 'write' && granted !== 'write'))
      throw new HttpError(422, 'The permissions requested are not granted to this installation.');
  }
  const repositories = body['repositories'];
  if (Array.isArray(repositories) && !repositories.every((one) => one === repository.name))
    throw new HttpError(422, 'There is at least one repository that does not exist or is not accessible.');
  const made = `ghs_${randomBytes(18).toString('base64url')}`;
  if (app.suspended) throw new HttpError(403, 'This installation has been suspended');
  const ends = Date.now() + app.lifetime;
  github.installationTokens.set(made, { repositories, permissions: wanted, ends });
  return {
    status: 201,
    body: {
      token: made,
      expires_at: new Date(ends + github.clockAhead).toISOString().replace(/\.\d+/, ''),
      permissions: wanted,
      repository_selection: 'selected',
      repositories: [{ id: 1, name: repository.name, full_name: repository.fullName }],
    },
  };
}
