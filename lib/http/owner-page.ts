import { page } from './page.ts';
import style from './owner.css?inline';
import type { TextReply } from './http.ts';

/** A page for the owner, who reads more, and copies and presses things. What an editor sees carries none of that. */
export const ownerPage = (status: number, parts: Omit<Parameters<typeof page>[1], 'ownerStyle'>): TextReply =>
  page(status, { ...parts, ownerStyle: style });
