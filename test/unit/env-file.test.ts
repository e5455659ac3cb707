/** `.env` as editors and shells really write it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadEnvFile } from '../../lib/config/env-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'env-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = 'GITHUB_CLIENT_ID=Iv1.x\r\nCMS_AUTH_ORIGINS="https://www.example.com"\r\n';
const utf16 = Buffer.from(text, 'utf16le');
const swapped = Buffer.from(utf16).swap16();

function load(bytes: Uint8Array | string, env: Record<string, string> = {}) {
  const file = path.join(folder, '.env');
  writeFileSync(file, bytes);
  loadEnvFile(file, env);
  return env;
}

describe('A file .env is read', () => {
  it.each([
    ['in UTF-8', Buffer.from(text)],
    ['in UTF-8 with a mark, as Notepad writes it', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
    ['in UTF-16, as PowerShell writes it', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])],
    ['in UTF-16 of the other order', Buffer.concat([Buffer.from([0xfe, 0xff]), swapped])],
    ['in UTF-16 without a mark', utf16],
    ['in UTF-16 of the other order without a mark', swapped],
  ])('%s', (_, bytes) => {
    expect(load(bytes)).toEqual({ GITHUB_CLIENT_ID: 'Iv1.x', CMS_AUTH_ORIGINS: 'https://www.example.com' });
  });

  it('without changing what is set already', () => {
    expect(load(text, { GITHUB_CLIENT_ID: 'other' })).toMatchObject({ GITHUB_CLIENT_ID: 'other' });
  });

  it('as nothing if it is empty or not there', () => {
    expect(load('')).toEqual({});
    const env = {};
    loadEnvFile(path.join(folder, 'none'), env);
    expect(env).toEqual({});
  });

  it('or refused in words that name it', () => {
    expect(() => load(Buffer.from([0x41, 0x3d, 0xe4, 0xf6]))).toThrow(/\.env is not written in UTF-8/);
    expect(() => loadEnvFile(folder, {})).toThrow(/cannot be read/);
  });
});
