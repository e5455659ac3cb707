import { lines, serverOf } from '../view.ts';
import type { Check } from './check.ts';

/** What is good to know: how long editors stay logged in, and what else needs a right. */
export const sessionChecks: readonly Check[] = [
  {
    id: 'session-gitlab',
    severity: 'note',
    look: (view) =>
      view.usesHop &&
      view.host === 'gitlab' &&
      !view.isSveltia && {
        at: 'backend.name',
        what: `${view.cms ? view.who : 'Decap and Netlify CMS'} ${view.cms ? 'logs' : 'log'} GitLab editors out after two hours, with any login server`,
        why: 'GitLab’s tokens are renewed only with "auth_type: pkce" (Decap 3.14 and newer), which needs no login server. If two hours are too short, use that.',
        write: lines(view, { auth_type: 'pkce', app_id: 'the-application-id' }, 'backend'),
      },
  },
  {
    id: 'session-sveltia',
    severity: 'note',
    look: (view) =>
      view.usesHop &&
      view.host === 'gitlab' &&
      view.isSveltia &&
      !/\/authorize\/?$/.test(view.text('auth_endpoint') ?? '') && {
        at: 'backend.name',
        what: 'Editors are logged out after GitLab’s two hours',
        why: 'Sveltia CMS can renew the token if the login begins at another address, and CMS_AUTH_REFRESH names gitlab.',
        write: lines(
          view,
          { auth_endpoint: `${(serverOf(view)?.prefix ?? '').slice(1)}/auth/gitlab/authorize`.replace(/^\//, '') },
          'backend',
        ),
      },
  },
  {
    id: 'session-query',
    severity: 'note',
    look: ({ host, usesHop, cms, who }) =>
      usesHop &&
      host === 'bitbucket' &&
      (cms?.name === 'netlify' || (cms?.name === 'decap' && isOlder(cms.version, 3, 16))) && {
        at: 'page',
        what: `This version of ${who} puts refresh tokens into the query of an address`,
        why: 'Access logs keep addresses. Use Decap CMS 3.16 or newer, or keep those logs short.',
      },
  },
  {
    id: 'preview-links',
    severity: 'note',
    look: ({ host, text }) =>
      host === 'github' &&
      text('preview_context') !== undefined && {
        at: 'backend.preview_context',
        what: 'Links to deploy previews need the right to read commit statuses',
        why: 'The scope repo holds it. A GitHub App needs the permission "Commit statuses: Read-only".',
      },
  },
];

const isOlder = (version: string | undefined, major: number, minor: number): boolean => {
  const [, a, b] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return a !== undefined && (Number(a) < major || (Number(a) === major && Number(b) < minor));
};
