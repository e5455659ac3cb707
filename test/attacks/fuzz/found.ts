import { canary } from './ours.ts';
import type { Answer } from './host.ts';
import type { Story } from './stories.ts';

const answer: Answer = {
  status: 200,
  headers: [['Content-Type', 'application/json']],
  body: `{"access_token":"${canary}token","token_type":"bearer"}`,
  gzip: 'no',
  end: 'length',
};

const good: Story = {
  door: 'plain',
  id: 'github',
  kind: 'login',
  variant: 0,
  error: undefined,
  iss: true,
  answer,
  bends: [],
  changes: [],
  stored: { value: `${canary}secret` },
  later: 1,
  late: false,
  cut: false,
  again: false,
};

const packed: Answer = { ...answer, headers: [['Content-Encoding', 'gzip, gzip, gzip, gzip, gzip, gzip']] };
const at = (url: string): Story => ({ ...good, changes: [{ when: 'always', name: 'GITHUB_URL', value: url }] });

/** What once went wrong, by what was seen of it. */
export const found: Record<string, Story> = {
  'a broken gzip without a length: no answer at all, beyond the deadline': {
    ...good,
    answer: { ...answer, gzip: 'lie', end: 'close' },
  },
  'packed six times over: a mistake of ours': { ...good, answer: packed },
  'packed six times over and cut off: the end of the process': { ...good, answer: { ...packed, end: 'short' } },
  'packed six times over and stuck: the end of the process': { ...good, answer: { ...packed, end: 'stuck' } },
  'a host on a port of X11: a mistake of ours': at('http://127.0.0.1:6000'),
  'a host on a port of Amanda: a mistake of ours': at('http://127.0.0.1:10080'),
  'a renewal whose body breaks off: a mistake of ours': { ...good, kind: 'renewal', variant: 1, cut: true },
};
