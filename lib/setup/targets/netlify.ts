import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createSite, linkedSite } from '../stores/netlify.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import type { Target } from './target.ts';

/**
 * A Netlify site of its own. Its address is known as soon as the site is there, so one deploy is enough: with the settings.
 *
 * @see https://docs.netlify.com/api-and-cli-guides/cli-guides/get-started-with-cli/
 */
export const netlify: Target = {
  label: 'Netlify',
  place: 'netlify',
  needs: 'a Netlify account',
  firstStep: 'make a Netlify site',
  async first({ name, folder }, io) {
    const found = await linkedSite(io.env, folder, 'folder').catch(async (error: unknown) => {
      // Its own login opens the browser; a token in the environment does without.
      if (!io.prompts) throw error;
      io.write('Netlify asks you to log in, in your browser.');
      const { code } = await runTool(tools.netlify, ['login'], { folder, stopped: io.stopped, interactive: true });
      if (code !== 0) throw error;
      return linkedSite(io.env, folder, 'folder');
    });
    const site = found ?? (await createSite(io.env, folder, name));
    io.write(found ? `The Netlify site is ${site.url}` : `Made the Netlify site ${site.url}`);
    return site.url;
  },
  lastStep: 'deploy it there',
  async last({ folder, service }, io) {
    // What an earlier build of the tool left could be deployed in place of this.
    await rm(path.join(folder, '.netlify', 'functions'), { recursive: true, force: true });
    const functions = service === 'gateway' ? 'dist/netlify-gateway' : 'dist/netlify';
    const parameters = ['deploy', '--prod', '--no-build', '--dir', 'dist/public', '--functions', functions, '--json'];
    const { code, output } = await runTool(tools.netlify, parameters, { folder, stopped: io.stopped });
    if (code !== 0) throw new Error(`Netlify did not take the deploy. Its tool said:\n${lastLines(output)}`);
    io.write('Deployed.');
  },
};
