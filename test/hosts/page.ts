/** The pages that people see at a demo Git host. No script, no outside resource, light and dark, fit for a narrow popup. */

const style = `
:root { color-scheme: light dark; --accent: light-dark(#1a6b4a, #5fc79b); --on-accent: light-dark(#fff, #0d1512);
  --text: light-dark(#1b2420, #e7eeea); --quiet: light-dark(#56635d, #a3b1aa); --line: light-dark(#d5ddd9, #36423c);
  --card: light-dark(#fff, #1a221e); --ground: light-dark(#f1f5f3, #0f1512); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
.demo { margin: 0; padding: .6rem 1rem; background: var(--accent); color: var(--on-accent); text-align: center; font-size: .9rem; }
main { width: min(30rem, 100% - 2rem); margin: auto; padding: 1.75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; overflow-wrap: anywhere; }
.outer { flex: 1; display: flex; padding: 1.5rem 0; }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.25; text-wrap: balance; }
h2 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
p { margin: .5rem 0; }
strong { white-space: nowrap; }
.quiet { color: var(--quiet); font-size: .9rem; }
ul { margin: 1rem 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: .5rem; }
li { padding: .65rem .9rem; }
li + li { border-top: 1px solid var(--line); }
code, pre { font: .85em/1.5 ui-monospace, monospace; }
pre { margin: .25rem 0; padding: .75rem .9rem; white-space: pre-wrap; border: 1px solid var(--line); border-radius: .5rem; }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 .75rem; }
button { flex: 1 1 8rem; padding: .65rem 1rem; font: inherit; font-weight: 600; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: inherit; }
button[value=allow] { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/** Everything on these pages is fixed or escaped, but they show what others sent: so nothing may run or load. */
export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
};

export function escapeHtml(text: string) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `title` is text, `body` is HTML. */
export function page(title: string, body: string, kind = 'Demo Git host') {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – ${kind}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<p class="demo"><strong>${kind}</strong> – nothing leaves your computer</p>
<div class="outer"><main>
<h1>${escapeHtml(title)}</h1>
${body}
</main></div>
</html>
`;
}

export function errorPage(title: string, text: string) {
  return page(title, `<p>${escapeHtml(text)}</p>`);
}

/** The face of the one user that a demo host has. */
export const avatar = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" fill="#1a6b4a"/>
<circle cx="16" cy="13" r="6" fill="#fff"/><path d="M5 32a11 11 0 0 1 22 0" fill="#fff"/></svg>`;

export interface Consent {
  /** The host that is being played: "GitHub". */
  host: string;
  app: string;
  user: string;
  /** What the app will be able to do, in words, each with the scope's name. */
  rights: Array<{ name: string; text: string }>;
  /** Where the answer leads: shown, because it is what a careful person looks at. */
  destination: string;
  /** Sent along with the answer, so that the host needs no memory of this page. */
  parameters: URLSearchParams;
}

/** The form posts to its own address; the answer is `decision=allow` or `decision=deny`. */
export function consentPage({ host, app, user, rights, destination, parameters }: Consent) {
  const hidden = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const items = rights.map(({ name, text }) => `<li>${escapeHtml(text)} <code>${escapeHtml(name)}</code></li>`);
  return page(
    `Authorize ${app}`,
    `<p class="quiet">This page plays ${escapeHtml(host)}. You are signed in as <strong>${escapeHtml(user)}</strong>.</p>
<p><strong>${escapeHtml(app)}</strong> would like to act for you:</p>
<ul>${items.join('')}</ul>
<form method="post" action="?">
${hidden.join('\n')}
<button name="decision" value="deny">Deny</button>
<button name="decision" value="allow">Allow</button>
</form>
<p class="quiet">The answer goes to<br><code>${escapeHtml(destination).replaceAll('/', '/<wbr>')}</code></p>`,
  );
}
