/** What an editor finds in the demo repository. `../cms/page.ts` describes the same folder to the CMS. */

export const postsFolder = 'content/posts';

export const sampleFiles: Record<string, string> = {
  'README.md': '# Demo site\n\nThis repository lives in the memory of a demo Git host.\n',
  [`${postsFolder}/first-post.md`]: post(
    'The first post',
    '2026-01-15T09:00:00.000Z',
    'Change this text and save it: the demo Git host gets a real commit.',
  ),
  [`${postsFolder}/second-post.md`]: post('The second post', '2026-02-20T16:30:00.000Z', 'A list has two entries.'),
};

function post(title: string, date: string, body: string) {
  return `---\ntitle: ${title}\ndate: ${date}\n---\n${body}\n`;
}
