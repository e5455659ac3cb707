import { html, type Html } from './page.ts';

/** A text to be copied. The button shows up where there is a script to make it work: `copy.client.ts`. */
export const copyable = (text: string): Html =>
  html`<div class="copy"><pre tabindex="0">${text}</pre><button type="button" hidden>Copy</button></div>`;
