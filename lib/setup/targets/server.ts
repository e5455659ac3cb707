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
  startedByHand: 'Start it with "npm start", and put your web server in front of it (docs/server.md).',
};
