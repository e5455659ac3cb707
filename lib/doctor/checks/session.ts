import { anyOf, isOthers, type Check } from './check.ts';
import type { DiagnosisFacts } from '../../providers/diagnosis.ts';
import type { CmsName } from '../../providers/provider.ts';
import { cmsTitles, isOlder } from '../admin-page.ts';

/** " (Decap CMS 3.14 and newer)" */
const renewers = ({ pkce }: DiagnosisFacts): string => {
  const names = Object.entries(pkce?.renews ?? {}).map(
    ([name, version]) => `${cmsTitles[name as CmsName]} ${version.join('.')} and newer`,
  );
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
};

/** What is good to know: how long editors stay logged in, and what else needs a right. */
export const sessionChecks: readonly Check[] = [
  {
    id: 'session-short',
    severity: 'note',
    look({ usesLoginServer, provider, cms, who, diagnosis }) {
      const { by } = provider?.refresh ?? {};
      if (!usesLoginServer || !provider?.tokenLife || by?.includes(cms?.name ?? 'decap')) return false;
      if (cms?.name === 'sveltia') return false;
      return {
        at: 'backend.name',
        what: `${cms ? who : 'Decap and Netlify CMS'} ${cms ? 'logs' : 'log'} ${provider.name} editors out after ${provider.tokenLife}, with any login server`,
        ...(provider.inPage.pkce
          ? {
              why: `${provider.name}’s tokens are renewed only with "auth_type: pkce"${renewers(diagnosis)}, which needs no login server. If ${provider.tokenLife} are too short, use that.`,
              fix: { backend: { auth_type: 'pkce', app_id: 'the-application-id' } },
            }
          : { why: `${by ? anyOf(by.map((name) => cmsTitles[name])) : 'No CMS'} can renew the token.` }),
      };
    },
  },
  {
    id: 'session-sveltia',
    severity: 'note',
    look(context) {
      const { usesLoginServer, provider, isSveltia, server } = context;
      if (
        isOthers(context) ||
        !usesLoginServer ||
        !isSveltia ||
        !provider?.tokenLife ||
        !provider.refresh?.by.includes('sveltia')
      )
        return false;
      const prefix = (server?.prefix ?? '').slice(1);
      return (
        !/\/authorize\/?$/.test(context.text('auth_endpoint') ?? '') && {
          at: 'backend.name',
          what: `Editors are logged out after ${provider.name}’s ${provider.tokenLife}`,
          why: `Sveltia CMS can renew the token if the login begins at another address, and CMS_AUTH_REFRESH names ${provider.id}.`,
          fix: { backend: { auth_endpoint: `${prefix}/auth/${provider.id}/authorize`.replace(/^\//, '') } },
        }
      );
    },
  },
  {
    id: 'session-query',
    severity: 'note',
    look: ({ provider, usesLoginServer, cms, who }) =>
      usesLoginServer &&
      provider?.refresh?.login.always &&
      cms !== undefined &&
      (cms.name === 'netlify' || (cms.name === 'decap' && isOlder(cms, 3, 16))) && {
        at: 'page',
        what: `This version of ${who} puts refresh tokens into the query of an address`,
        why: 'Access logs keep addresses. Use Decap CMS 3.16 or newer, or keep those logs short.',
      },
  },
  {
    id: 'preview-links',
    severity: 'note',
    look: ({ provider, text }) =>
      provider?.previews !== undefined &&
      text('preview_context') !== undefined && {
        at: 'backend.preview_context',
        what: 'Links to deploy previews need the right to read commit statuses',
        why: `The scope ${provider.scope?.default} holds it. A ${provider.app} needs the permission "${provider.previews}".`,
      },
  },
];
