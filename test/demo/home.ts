/** The first page of the demo, in the looks of the login server's own pages. */
import { html, Html } from '../../lib/http/page.ts';

export interface Card {
  /** Where it leads, such as `/decap-github/`. */
  path: string;
  /** `Decap CMS` */
  cms: string;
  /** What tells it from the others, such as `with GitHub`. */
  way: string;
  text: string;
}

const cardStyle = `
nav { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); grid-auto-rows: 1fr; gap: 0.75rem; margin-top: 1.2rem; }
nav a { display: block; padding: 1rem; border: 1px solid var(--line); border-radius: 0.7rem; color: inherit; text-decoration: none; }
nav a:hover { border-color: var(--work); }
nav strong, nav span { display: block; }
nav strong span { color: var(--work); }
nav a > span { margin-top: 0.3rem; color: var(--quiet); font-size: 0.875rem; }
`;

/** @param styles the style sheets of the login server's pages */
export const home = (cards: readonly Card[], styles: readonly string[]): string =>
  html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Demo: log in to a CMS</title>
<link rel="icon" href="data:,">
<style>${new Html([...styles, cardStyle].join('\n'))}</style>
<main class="wide">
<h1>Log in to a real CMS</h1>
<p>This is the demo. The CMS pages are the published ones, and the login is the real one. The Git hosts behind them are small programs on
this machine. Press Login, allow access, edit a post, save it.</p>
<nav>
${cards.map(({ path, cms, way, text }) => html`<a href="${path}"><strong>${cms} <span>${way}</span></strong><span>${text}</span></a>`)}
</nav>
<p>What the owner of the site sees: <a href="/auth">the login</a>, <a href="/git">the gateway</a></p>
<p class="quiet">Everything is gone when the demo ends.</p>
</main>
</html>
`.text;
