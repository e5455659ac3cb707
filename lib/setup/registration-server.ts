import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { factsOf } from '../providers/facts.ts';
import { registrationAddress } from '../providers/provider.ts';
import { callbackAddress } from '../config/settings.ts';
import { commonHeaders, type TextReply } from '../http/http.ts';
import { html, type Html } from '../http/page.ts';
import { deferred } from '../http/deferred.ts';
import { ownerPage } from '../http/owner-page.ts';
import { appName, manifestOf, registrationTarget, repositoryPage, type Clock, type ManifestOptions } from './app.ts';
import script from './registration-server.client.ts?inline';
import { plain, type Request } from './local-page.ts';

/** How long a registration may take, in milliseconds. */
const timeoutMs = 10 * 60_000;

/** How long the page that the host sends the owner back to waits for what comes of it, before it says that it waits. */
const soon = 20_000;

/** How long one question of the page for news is held, in milliseconds. */
const hold = 25_000;

/** How far things are: before the registration, at work on what came of it, what there is to do next, the end. */
export type Stage = 'open' | 'working' | 'registered' | 'done' | 'failed';

/**
 * What the owner's browser sees: the page with the one button, and what becomes of it.
 *
 * Whoever can open the page sees what will be made, and no secret. What must not happen is that another page or program has
 * us hand in a code that belongs to another app: hence the `state`, which only somebody who reads our page can know.
 */
export class RegistrationServer {
  /** Our own address, once the server listens: `http://127.0.0.1:4000`. */
  origin = '';
  readonly #options: ManifestOptions;
  readonly #isOrganisation: boolean;
  readonly #clock: Pick<Clock, 'now'>;
  /** What was given out, hashed, and when. */
  readonly #states = new Map<string, number>();
  readonly #code = deferred<string>();
  #stage: Stage = 'open';
  #body: Html | undefined;
  #news = deferred<void>();
  #lastLook: number;

  constructor(options: ManifestOptions, isOrganisation: boolean, clock: Pick<Clock, 'now'>) {
    this.#options = options;
    this.#isOrganisation = isOrganisation;
    this.#clock = clock;
    this.#lastLook = clock.now();
  }

  /** The code of the registration, once the owner is back with it. */
  get code(): Promise<string> {
    return this.#code.promise;
  }

  /** Nobody has looked at the page for so long that nobody will come back from it. */
  get isAbandoned(): boolean {
    return this.#stage === 'open' && this.#clock.now() - this.#lastLook > timeoutMs;
  }

  /** Tells the page how far things are. */
  show(stage: Stage, body?: Html): void {
    this.#stage = stage;
    this.#body = body;
    this.#news.resolve();
    this.#news = deferred();
  }

  async answer(request: Request): Promise<TextReply> {
    switch (request.path) {
      case '/':
        return this.#stage === 'open' ? this.#welcome(request) : this.#progress();
      case '/created':
        return this.#created(request);
      case '/news':
        return this.#tell(request);
    }
    return plain(404, 'There is nothing at this address', html`<p>The page is at <a href="/">${this.origin}</a>.</p>`);
  }

  #welcome({ query, isHead }: Request): TextReply {
    const { provider, base, byManifest, address, site } = this.#options;
    const { flow, repository } = byManifest;
    const wish = query.get('name')?.trim();
    if (wish !== undefined && (wish === '' || wish.length > flow.longestName))
      return plain(
        400,
        'This name does not fit',
        html`<p>A name has 1 to ${String(flow.longestName)} characters. <a href="/">Go back</a></p>`,
      );
    const name = wish ?? appName(this.#options);
    const state = isHead ? '' : this.#newState();
    const manifest = manifestOf(this.#options, name, `${this.origin}/created`);
    const [form] = factsOf(provider).registrations;
    const byHand = registrationAddress(base, form, {
      name,
      homepage: manifest.url,
      callback: callbackAddress(address, provider),
      organisation: this.#isOrganisation ? repository.owner : undefined,
    });
    return ownerPage(200, {
      title: `${form.what} for ${repository.name}`,
      // The one button leads to the host; the form for another name comes back here.
      formAction: `${new URL(base).origin} 'self'`,
      body: html`<main class="wide">
<h1>A ${form.what} for ${repository.name}</h1>
<p>The button fills in ${provider.name}'s form for you. First sign in at <a href="${base}" target="_blank" rel="noopener">${new URL(base).host}</a>${this.#isOrganisation ? html` as somebody who may register apps for ${repository.owner}` : html` as ${repository.owner}`}.</p>
<dl>
<dt>Name, which ${provider.name} lets you change</dt><dd>${name}</dd>
<dt>Belongs to, and can be installed by</dt><dd>${repository.owner} alone</dd>
<dt>May, in the repositories that it is installed on</dt><dd><ul>${flow.rights.map((right) => html`<li>${right}</li>`)}</ul></dd>
<dt>Sends editors back to</dt><dd><ul>${manifest.callback_urls.map((url) => html`<li><code>${url}</code></li>`)}</ul></dd>
<dt>Repository</dt><dd><code>${repositoryPage(base, repository)}</code></dd>
${site !== undefined && html`<dt>CMS page</dt><dd><code>${site}</code></dd>`}
</dl>
<form method="post" action="${registrationTarget(this.#options, this.#isOrganisation, state)}">
<input type="hidden" name="manifest" value="${JSON.stringify(manifest)}">
<p><button>Register it at ${provider.name}</button></p>
</form>
<p class="quiet">The button works for 10 minutes. Load this page again for more.</p>
<details><summary>${provider.name} says that the name is taken?</summary>
<p>Names are unique on ${provider.name}. Change it there, or here:</p>
<form method="get" action="/"><p><input name="name" value="${name}" maxlength="${String(flow.longestName)}" required aria-label="Name of the app"> <button>Use this name</button></p></form>
</details>
<details><summary>You may not register apps for ${repository.owner}?</summary>
<p>Send this address to somebody who may. It leads to the same form, filled in. Ask them for the Client ID and a client secret. Then you don't need this page.</p>
<pre tabindex="0">${byHand}</pre>
</details>
</main>`,
    });
  }

  #newState(): string {
    const state = randomBytes(32).toString('base64url');
    this.#lastLook = this.#clock.now();
    this.#states.set(hashed(state), this.#lastLook);
    // Some page of the browser may load ours for ever.
    const [oldest] = this.#states.keys();
    if (this.#states.size > 100 && oldest !== undefined) this.#states.delete(oldest);
    return state;
  }

  /** The owner is back from the host. However often this is loaded, and by whom, one code is taken. */
  async #created({ query, isHead }: Request): Promise<TextReply> {
    const [state, code] = [single(query, 'state'), single(query, 'code')];
    const given = state === undefined ? undefined : this.#ageOf(state);
    const start = html`<p><a href="/">Start again</a></p>`;
    if (given === undefined)
      return plain(
        400,
        'This did not begin here',
        html`<p>It belongs to no registration that was begun on this page.</p>${start}`,
      );
    if (this.#stage === 'open') {
      if (given > timeoutMs)
        return plain(
          400,
          'This took too long',
          html`<p>A registration has to be finished within 10 minutes.</p>${start}`,
        );
      if (code === undefined || !/^[\w.~-]{1,255}$/.test(code))
        return plain(
          400,
          'The code is missing',
          html`<p>Without it, the app cannot be had. If it was made, delete it, then start again.</p>${start}`,
        );
      if (isHead) return { status: 200, headers: { ...commonHeaders }, cookies: [], body: '' };
      this.show('working');
      this.#code.resolve(code);
    }
    if (this.#stage === 'working' && !isHead) await within(this.#news.promise, soon);
    return this.#progress();
  }

  /** @returns how long ago it was given out, in milliseconds; nothing for a state that was not */
  #ageOf(state: string): number | undefined {
    const asked = Buffer.from(hashed(state));
    let age: number | undefined;
    for (const [known, time] of this.#states)
      if (timingSafeEqual(asked, Buffer.from(known))) age = this.#clock.now() - time;
    return age;
  }

  #progress(): TextReply {
    const provider = this.#options.provider.name;
    return ownerPage(this.#stage === 'failed' ? 500 : 200, {
      title: `${provider}: registration`,
      connect: `'self'`,
      script,
      body: this.#main(),
    });
  }

  #main(): Html {
    const looks = { open: '', working: 'waiting', registered: 'waiting', done: 'done', failed: 'failed' };
    return html`<main class="wide ${looks[this.#stage]}" data-stage="${this.#stage}" aria-live="polite">${
      this.#body ?? html`<h1>One moment</h1><p>The app's values are being put where they belong.</p>`
    }</main>`;
  }

  /** @returns what the page has not seen yet, as soon as there is something; nothing after a while */
  async #tell({ query, isHead }: Request): Promise<TextReply> {
    const isSeen = () => query.get('seen') === this.#stage;
    if (isSeen() && !isHead) await within(this.#news.promise, hold);
    return {
      status: 200,
      headers: { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8' },
      cookies: [],
      body: isSeen() || this.#stage === 'open' ? '' : this.#main().text,
    };
  }
}

const hashed = (text: string): string => hash('sha256', text, 'hex');

/** What comes twice has been tampered with. */
function single(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  return more.length === 0 ? value : undefined;
}

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
