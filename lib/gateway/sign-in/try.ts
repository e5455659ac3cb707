import { html, outcome } from '../../http/page.ts';
import { ownerPage } from '../../http/owner-page.ts';
import type { Editor } from '../identity/editors.ts';
import type { Address } from '../../config/settings.ts';
import type { Failure } from '../../http/errors.ts';
import type { HttpReply } from '../../http/http.ts';

/** The owner's try of a sign-in: what went well, step by step, and what did not. */
export class TryOut {
  readonly #steps: string[] = [];
  readonly #home: string;

  constructor({ prefix }: Address) {
    this.#home = `${prefix}/git`;
  }

  done(step: string): void {
    this.#steps.push(step);
  }

  /** @param failure what the next step was refused with */
  page(failure: Failure | undefined, editor?: Editor): HttpReply {
    const title = failure ? 'The sign-in does not work' : 'The sign-in works';
    return ownerPage(failure?.status ?? 200, {
      title,
      body: html`<main class="${failure ? 'failed' : 'done'}" data-page="try"${outcome(failure ?? 'READY')}>
<h1>${title}</h1>
<ol>${this.#steps.map((step) => html`<li>${step}</li>`)}${editor && html`<li>${this.#who(editor)}</li>`}${failure && html`<li>${failure.message}</li>`}</ol>
${failure?.reason !== undefined && html`<p>For the owner: ${failure.reason}</p>`}
${failure && html`<p class="quiet">Code: ${failure.code}</p>`}
<p>This was a try: no CMS was told, and nothing was made that lets anybody in. <a href="${this.#home}">Back to the set-up</a></p>
</main>`,
    });
  }

  #who({ name, email, roles }: Editor): string {
    const as = email === undefined ? name : `${name}, ${email}`;
    const why = roles.length > 0 ? `, also by the role ${roles.join(', ')}` : '';
    return `You are ${as}, and the list lets you in${why}.`;
  }
}
