import type { Target } from './target.ts';

/** A machine of one's own: the settings go into its `.env`, and somebody starts it. */
export const server: Target = {
  label: 'this machine, as a server',
  place: 'env',
  needs: 'a web server in front that handles https (docs/server.md)',
  firstStep: 'take the address that you give it',
  async first({ url }) {
    if (url === undefined)
      throw new Error('At which address will it be? Add --url, such as --url https://auth.example.com');
    return url;
  },
  // Not `npm start`, which builds first: a folder that was made for this has nothing to build from.
  startedByHand: ({ service, folder }) =>
    [
      'Start it, and put your web server in front of it (docs/server.md):',
      '',
      `  cd ${/^[\w./:\\-]+$/.test(folder) ? folder : `"${folder}"`} && node dist/node/start.mjs`,
      ...(service === 'gateway'
        ? [
            '',
            'It listens on port 8888, as the login does. Where both run on one machine, add PORT=8889 to the .env in that folder, and have your web server pass /git on to that port.',
          ]
        : []),
    ].join('\n'),
};
