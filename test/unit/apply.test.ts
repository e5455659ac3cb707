/** What of a call goes to the host: query and body, written anew. */
import { describe, expect, it } from 'vitest';
import { applyRule } from '../../lib/gateway/rules/apply.ts';
import { call, github, gitlab, ruleOf } from '../gateway/rules.ts';

const nobody = async () => {
  throw new Error('No body was asked for.');
};
const apply = (query: string, name = 'commits', host = gitlab) =>
  applyRule(ruleOf(host, name), { query: new URLSearchParams(query), receive: nobody }, call(host));

describe('A query', () => {
  it('is nothing at all where nothing of it is known', async () => {
    for (const query of ['', 'x=1', 'access_token=secret&private_token=secret'])
      expect(await apply(query)).toEqual({ search: '', sent: undefined });
  });

  it('is written anew, from the keys that are known', async () => {
    const { search } = await apply('x=1&per_page=20&ref_name=cms%2Fposts%2Fa%26b%3D1&page=2');
    expect(search).toBe('?ref_name=cms%2Fposts%2Fa%26b%3D1&per_page=20&page=2');
  });

  it('is written as URL writes it, whatever characters a value has: what goes out is held against that', async () => {
    const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('');
    for (const odd of [printable, 'é ü 日本 🙂', "it's"]) {
      const { search } = await apply(
        `source_branch=cms%2Fa&target_branch=main&title=${encodeURIComponent(odd)}`,
        'open merge request',
      );
      expect(new URL(`https://gitlab.example.com/${search}`).search).toBe(search);
      expect(new URLSearchParams(search).get('title')).toBe(odd);
    }
  });

  it('names a key once', async () => {
    await expect(apply('ref_name=main&ref_name=other')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('has the keys that have to be there', async () => {
    const name = 'open merge request';
    const all = { source_branch: 'cms/posts/a', target_branch: 'main', title: 'A' };
    const { search } = await apply(String(new URLSearchParams(all)), name);
    expect(search).toBe('?source_branch=cms%2Fposts%2Fa&target_branch=main&title=A');
    for (const key of Object.keys(all)) {
      const rest = Object.entries(all).filter(([each]) => each !== key);
      await expect(apply(String(new URLSearchParams(rest)), name)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    }
  });

  it('brings no body along', async () => {
    expect(await apply('per_page=5', 'statuses', github)).toEqual({ search: '?per_page=5', sent: undefined });
  });
});
