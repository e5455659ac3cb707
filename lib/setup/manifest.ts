import { factsOf } from '../providers/facts.ts';
import { articled } from '../providers/provider.ts';
import { configuration } from '../config/cms-config.ts';
import { html, type Html } from '../http/page.ts';
import {
  convert,
  installPage,
  isOrganisation,
  repositoryPage,
  settingsPage,
  untilInstalled,
  type App,
  type ManifestOptions,
} from './app.ts';
import { RegistrationServer } from './registration-server.ts';
import { checkPlace, loginEntries, openStore, putKept, saveValues } from './save.ts';
import { servePage } from './local-page.ts';
import { Cancelled } from './terminal.ts';
import { entry, type Entry, type Store } from './values.ts';
import type { Io } from './io.ts';

/**
 * Registers an app by a manifest, from the first question to the app that is installed.
 *
 * @param whenSaved is called once the app's values are in their place
 * @throws Error in words; whatever was registered by then is either in its place or in `.env.setup`
 */
export async function registerByManifest(
  options: ManifestOptions,
  io: Io,
  whenSaved: () => Promise<void> = async () => {},
): Promise<void> {
  const { repository } = options.byManifest;
  const fullName = `${repository.owner}/${repository.name}`;
  const store = openStore(options, io);
  const address = repositoryPage(options.base, repository);
  const kept = await putKept(store, entriesOf(options), io, address);
  if (kept) {
    await whenSaved();
    return io.write([...kept, ...(options.partOfDeploy ? [] : whatIsLeft(options, store))].join('\n'));
  }
  const replace = await checkPlace(options, store, entriesOf(options), io);
  const organisation = options.byManifest.organisation !== undefined || (await askOwner(options, io));

  const registration = new RegistrationServer(options, organisation, io);
  const server = await servePage(options.port, (request) => registration.answer(request));
  registration.origin = server.origin;
  try {
    const app = await register(options, registration, io);
    try {
      const settings = settingsPage(options, organisation, app);
      const lost = `Make a new client secret at ${settings}, and set it by hand.`;
      io.write('The app is registered.');
      const install = installPage(options, app);
      const notes = await saveValues(store, entriesOf(options, app), replace, io, lost, address, install);
      await whenSaved();
      const next = nextSteps(options, app, settings, store);
      registration.show('registered', next.page);
      io.write(
        [...notes, ...(options.partOfDeploy ? [] : [store.deployAgain ?? []].flat()), '', ...next.lines].join('\n'),
      );

      const installation = await untilInstalled(options, app, io);
      if (!installation)
        throw new Error(
          `${app.slug} was not installed on ${fullName} within 10 minutes. The values are in their place and stay there. Install it when you can:\n${installPage(options, app)}\nIf it is installed already: is ${fullName} the exact name of your repository? If not, correct it in ${options.byManifest.gateway ? 'CMS_GATEWAY_REPO and in ' : ''}the configuration of the CMS.`,
        );
      registration.show('done', next.done);
      io.write(`\nInstalled on ${fullName}.${options.partOfDeploy ? '' : ' The set-up is done.'}`);
      if (installation.everywhere)
        io.write(
          `\nMind: it is installed on all repositories of ${repository.owner}. Choose "Only select repositories" here:\n${installation.page ?? installPage(options, app)}`,
        );
    } catch (error) {
      if (error instanceof Cancelled)
        throw new Cancelled(`Stopped. The app and its values stay. To install it:\n${installPage(options, app)}`);
      throw error;
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    registration.show('failed', html`<h1>This did not work</h1><pre tabindex="0">${words}</pre>`);
    throw error;
  } finally {
    await server.close();
  }

  function entriesOf(of: ManifestOptions, app?: App): Entry[] {
    const { gateway } = of.byManifest;
    return [
      // A gateway that is deployed apart gets nothing of the login's.
      ...(gateway === 'alone' ? [] : loginEntries(of, app && { id: app.clientId, secret: app.clientSecret })),
      ...(gateway
        ? [
            entry(of.provider, '{HOST}_APP_ID', app && String(app.id)),
            entry(of.provider, '{HOST}_APP_PRIVATE_KEY', app?.pem.trim()),
            entry(of.provider, 'CMS_GATEWAY_REPO', address),
          ]
        : []),
    ];
  }
}

/** After the values of an earlier run are in their place. */
const whatIsLeft = ({ address }: ManifestOptions, { deployAgain }: Store): string[] => [
  ...(deployAgain === undefined ? [] : [deployAgain]),
  `Then open ${address.origin}${address.prefix}/auth. It says what to write into the configuration of the CMS, and tries a login.`,
];

/** @throws Error in words if nobody knows */
async function askOwner(options: ManifestOptions, { prompts }: Io): Promise<boolean> {
  const { owner } = options.byManifest.repository;
  const answer = await isOrganisation(options);
  if (typeof answer === 'boolean') return answer;
  if (prompts) return prompts.confirm(`${options.provider.name} does not say: is ${owner} an organisation?`);
  throw new Error(
    `${options.provider.name} does not say whether ${owner} is an organisation: it answered with ${answer.status}. If it is one, add --org ${owner}. If not, try again later, or run this in a terminal, where you are asked.`,
  );
}

/** @throws Error in words; Cancelled */
async function register(options: ManifestOptions, registration: RegistrationServer, io: Io): Promise<App> {
  const { provider, byManifest } = options;
  io.write(
    `Open this page and press its button${options.open ? ' (your browser should show it by now)' : ''}:\n\n  ${registration.origin}/\n`,
  );
  io.write(
    `It registers ${articled(factsOf(provider).registrations[0].what)} for ${byManifest.repository.owner}/${byManifest.repository.name}. Check the name. ${provider.name} does not tell us whether a private repository exists. If ${provider.name} says that the app's name is taken, choose another one there. Ctrl-C stops.`,
  );
  // A machine without a browser has the address.
  if (options.open) await io.open(`${registration.origin}/`).catch(() => {});
  let code: string | undefined;
  void registration.code.then((given) => (code = given));
  while (code === undefined) {
    if (registration.isAbandoned)
      throw new Error(
        'Nobody came back from the registration within 10 minutes. Nothing was written. If the app was made, delete it; then start again.',
      );
    await Promise.race([registration.code, io.wait(1_000)]).catch((error: unknown) => {
      if (!(error instanceof Cancelled)) throw error;
      // The deploy command has done other things before.
      throw new Cancelled(
        `Stopped.${options.partOfDeploy ? '' : ' Nothing was written.'} If the app was made at ${provider.name} already, delete it there.`,
      );
    });
  }
  const app = await convert(options, code);
  const { owner } = byManifest.repository;
  // It may also be a stranger's: any program on this machine can open the page and come back with the code of an app of its own.
  if (app.owner?.toLowerCase() !== owner.toLowerCase())
    throw new Error(
      `The app belongs to ${app.owner ?? 'nobody that could be read'}, and so cannot be installed on repositories of ${owner}. Nothing was written. If you made it, delete it in its settings, and start again signed in as ${owner}.`,
    );
  return app;
}

/** What only the owner can do: install, expiry, the CMS's configuration. On the page and in the terminal. */
function nextSteps(
  options: ManifestOptions,
  app: App,
  settings: string,
  { place, gatewayApart }: Store,
): { lines: string[]; page: Html; done: Html } {
  const { flow, repository, gateway } = options.byManifest;
  const { provider, base, address } = options;
  const config = configuration(provider, base, address, {
    cms: 'sveltia',
    repository: `${repository.owner}/${repository.name}`,
  });
  const install = installPage(options, app);
  const choice = `Choose "Only select repositories", and ${repository.name} alone.`;
  const expiry = `How long a login lasts: in the app's settings, Optional features, "User-to-server token expiration".`;
  const own = `${address.origin}${address.prefix}`;
  const git = gatewayApart ? "/git at the gateway's own address" : `${own}/git`;
  const gatewayLine = `For editors without an account at ${provider.name}, ${git} shows what to write instead, and what else to set, such as CMS_GATEWAY_PATHS: what they may change.`;
  // Nobody logs in with the app of a gateway that is apart.
  const hasLogin = gateway !== 'alone';
  const rest = html`${hasLogin && html`<li><p>How long a login lasts: in <a href="${settings}" target="_blank" rel="noopener">the app's settings</a>, Optional features, "User-to-server token expiration".</p><ul>${flow.expiry.map((line) => html`<li>${line}</li>`)}</ul></li>`}
${
  options.partOfDeploy
    ? html`<li><p>Go back to the terminal, where the rest happens.</p></li>`
    : html`<li><p>In the configuration of the CMS:</p><pre tabindex="0">${config}</pre>${gateway && html`<p>${gatewayLine}</p>`}</li>
<li><p>Deploy, then open <a href="${own}/auth" target="_blank" rel="noopener">${own}/auth</a>. It tries a login.</p></li>`
}`;
  return {
    lines: [
      `1. Install it on this one repository. ${choice}`,
      `   ${install}`,
      ...(hasLogin ? [`2. ${expiry}`, `   ${settings}`, ...flow.expiry.map((line) => `   - ${line}`)] : []),
      ...(options.partOfDeploy
        ? []
        : [
            '3. In the configuration of the CMS:',
            '',
            ...config.split('\n').map((line) => `     ${line}`),
            '',
            ...(gateway ? [`   ${gatewayLine}`] : []),
            `4. Deploy, then open ${own}/auth. It tries a login.`,
          ]),
      '',
      'Waiting for step 1 ...',
    ],
    page: html`<h1>Registered. Now install it</h1>
<p>The values are in ${place}.</p>
<ol>
<li><p><a href="${install}" target="_blank" rel="noopener">Install it on ${repository.owner}/${repository.name}</a>. ${choice} This page waits for it.</p></li>
${rest}
</ol>`,
    done: html`<h1>Installed on ${repository.owner}/${repository.name}</h1>
<p>The values are in ${place}. What is left:</p>
<ol>${rest}</ol>`,
  };
}
