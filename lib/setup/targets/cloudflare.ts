import { lastLines, runTool, tools } from '../tool.ts';
import type { Target } from './target.ts';

/**
 * A Cloudflare Worker. The address is known once it is deployed, and secrets reach it at once.
 *
 * @see https://developers.cloudflare.com/workers/wrangler/commands/#deploy
 */
export const cloudflare: Target = {
  label: 'Cloudflare Workers',
  place: 'cloudflare',
  needs: 'a Cloudflare account',
  firstStep: 'deploy it as a Worker',
  async first({ name, folder, service }, io) {
    if (io.prompts) {
      const { output } = await runTool(tools.cloudflare, ['whoami'], { folder, stopped: io.stopped });
      if (/not authenticated/i.test(output)) {
        io.write('Cloudflare asks you to log in, in your browser.');
        await runTool(tools.cloudflare, ['login'], { folder, stopped: io.stopped, interactive: true });
      }
    }
    const { code, output } = await runTool(
      tools.cloudflare,
      ['deploy', ...(service === 'gateway' ? ['--config', 'wrangler-gateway.jsonc'] : []), '--name', name],
      { folder, stopped: io.stopped },
    );
    if (code !== 0) throw new Error(`Cloudflare did not take the deploy. Its tool said:\n${lastLines(output)}`);
    const [url] = /https:\/\/[\w.-]+\.workers\.dev(?=\s|$)/.exec(output) ?? [];
    if (url === undefined)
      throw new Error(
        `It is deployed, but has no address at workers.dev. Give it a domain in the Cloudflare dashboard (Workers, ${name}, Domains), then start again with --url and that address.`,
      );
    io.write(`Deployed: ${url}`);
    return url;
  },
};
