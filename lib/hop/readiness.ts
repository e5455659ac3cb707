import { Failure } from '../web/errors.ts';
import { html, page } from '../web/page.ts';
import {
  checkRefresh,
  clientSettings,
  handOverSettings,
  readClient,
  readOrigins,
  readSecret,
  secretSetting,
} from '../settings/settings.ts';
import type { HttpReply } from '../web/http.ts';
import type { Provider } from '../providers/provider.ts';
import type { Surroundings } from '../serve.ts';

/** The callback's address opened by hand: whether the provider's settings are all there. */
export async function readiness(provider: Provider, { request, settings, address }: Surroundings): Promise<HttpReply> {
  try {
    const env = await settings.read([...clientSettings(provider), secretSetting(provider), ...handOverSettings]);
    readClient(env, provider, address);
    readSecret(env, provider);
    readOrigins(env, address);
    checkRefresh(env);
    return readinessPage(provider, undefined);
  } catch (error) {
    if (error instanceof Failure) return readinessPage(provider, error.withAdvice(request.platform.adviceOnMissing));
    throw error;
  }
}

/** By names of settings only. */
function readinessPage(provider: Provider, problem: Failure | undefined): HttpReply {
  const title = `${provider.name} is ${problem ? 'not ready' : 'ready'}`;
  return page(200, {
    title,
    body: html`<main class="${problem ? 'failed' : 'done'}" data-code="${problem?.code ?? 'READY'}">
<h1>${title}</h1>
<p>${problem?.message ?? 'All settings that a login needs are there.'}</p>
<p class="quiet">This address is for ${provider.name} to send editors back to. To log in, press Login in the CMS.</p>
</main>`,
  });
}
