import { factsOf } from '../providers/facts.ts';
import { articled, registrationAddress } from '../providers/provider.ts';
import { configuration } from '../config/cms-config.ts';
import { callbackAddress } from '../config/settings.ts';
import { givenCredentials, takenFrom, withoutCredentials, type Credentials } from './credentials.ts';
import type { Options } from './options.ts';
import type { Prompts } from './terminal.ts';
import { checkPlace, loginEntries, openStore, ownKept, putKept, saveValues } from './save.ts';
import { ask, textIn } from './request.ts';
import type { Io } from './io.ts';

/**
 * For hosts where a person has to fill in the form: says what to register, asks for what the host then shows, tries it.
 *
 * @throws Error in words
 */
export async function registerManually(options: Options, io: Io): Promise<void> {
  const { provider, base, address } = options;
  const { cms, registrations } = factsOf(provider);
  const store = openStore(options, io);
  const { prompts } = io;
  const given = givenCredentials(provider, io.env);
  const isKept = (await ownKept(store, loginEntries(options), io.folder)) !== undefined;
  if (!given) {
    const kept = await putKept(store, loginEntries(options), io);
    if (kept) return tellRest(kept);
  }
  if (!given && !prompts) throw new Error(withoutCredentials(provider));
  // What an earlier run kept of this very login, and perhaps wrote in part, makes way for what is in the environment now.
  const replace = isKept || (await checkPlace(options, store, loginEntries(options), io));

  const [form] = registrations;
  const callback = callbackAddress(address, provider);
  const place = registrationAddress(base, form, {
    name: 'CMS login',
    homepage: options.site ?? address.origin,
    callback,
  });
  io.write(
    [
      ...(given
        ? [takenFrom(provider)]
        : [
            `Register ${articled(form.what)} at ${provider.name}:`,
            '',
            `  ${place}`,
            '',
            ...form.steps.map((step, i) => `${i + 1}. ${step}`),
          ]),
      '',
      'The address to send editors back to, exactly:',
      '',
      `  ${callback}`,
      '',
    ].join('\n'),
  );
  if (options.open && !given) await io.open(place).catch(() => {});

  for (;;) {
    const { id, secret } = given ?? (await askCredentials(prompts));
    const trial = await tryCredentials(options, id, secret);
    if (trial !== undefined) {
      if (trial.isWrong && given) throw new Error(trial.words);
      io.complain(`${trial.words}\n`);
      if (trial.isWrong) continue;
      if (!given && !(await prompts?.confirm('Go on with them all the same?'))) continue;
    } else io.write(`${provider.name} accepts them.`);
    const lost = `Make a new secret at ${provider.name}, and set it by hand.`;
    const notes = await saveValues(store, loginEntries(options, { id, secret }), replace, io, lost);
    return tellRest(notes);
  }

  function tellRest(notes: readonly string[]): void {
    const rest = [
      ...(store.deployAgain === undefined ? [] : [store.deployAgain]),
      '',
      'In the configuration of the CMS:',
      '',
      configuration(provider, base, address, {
        cms: cms.sveltia ? 'sveltia' : 'decap',
      }),
      '',
      `Deploy, then open ${address.origin}${address.prefix}/auth. It tries a login.`,
    ];
    io.write([...notes, ...(options.partOfDeploy ? [] : rest)].join('\n'));
  }
}

async function askCredentials(prompts: Prompts | undefined): Promise<Credentials> {
  if (!prompts) throw new Error('There is nobody to ask for the id and the secret.');
  const id = (await prompts.text('Client id', 'as shown there', problemOf)).trim();
  const secret = await prompts.secret('Client secret', (text) =>
    text.trim() === id ? 'This is the client id. The secret is the other one.' : problemOf(text),
  );
  return { id, secret: secret.trim() };
}

const problemOf = (text: string): string | undefined =>
  /^[\x21-\x7e]{8,255}$/.test(text.trim()) ? undefined : 'Copy it whole: it has no spaces, and at least 8 characters.';

/**
 * Hands in a code that does not exist. A host that knows the app complains about the code, any other one about the app.
 *
 * @returns nothing if the host knows the app
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
async function tryCredentials(
  { provider, base, address }: Options,
  id: string,
  secret: string,
): Promise<{ isWrong: boolean; words: string } | undefined> {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: 'a-code-that-does-not-exist',
    redirect_uri: callbackAddress(address, provider),
  });
  const inBody = provider.clientAuthentication === 'client_secret_post';
  if (inBody)
    for (const [name, value] of Object.entries({ client_id: id, client_secret: secret })) form.set(name, value);
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  try {
    const question = { method: 'POST', form, ...(!inBody && { authorization }) } as const;
    const { status, body } = await ask(provider.name, base + provider.tokenPath, question);
    const error = textIn(body, 'error');
    if (error === 'invalid_grant') return undefined;
    if (error === 'invalid_client' || error === 'unauthorized_client' || status === 401)
      return {
        isWrong: true,
        words: `${provider.name} does not accept this id and secret. Copy both again; the secret may have been renewed.`,
      };
    return { isWrong: false, words: `They could not be tried: ${provider.name} answered with ${status}.` };
  } catch (error) {
    return { isWrong: false, words: `They could not be tried. ${(error as Error).message}` };
  }
}
