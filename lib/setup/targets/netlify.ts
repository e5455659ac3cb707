import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createSite, linkedSite, NotLoggedIn } from '../stores/netlify.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import { progressFile } from '../deploy/progress.ts';
import type { Io } from '../io.ts';
import type { Deployment, Target } from './target.ts';

/**
 * The site that the folder is linked to.
 *
 * @returns nothing if it is linked to none and none is known to have been made
 * @throws Error in words, such as if the CMS's own site is there
 */
async function ownSite({ folder, site, isNew, service }: Deployment, { env }: Io) {
  const found = await linkedSite(env, folder, 'folder');
  if (!found && !isNew)
    throw new Error(
      `${folder} is linked to no Netlify site, though a ${service} was begun there. If its site is there still, run "npx netlify-cli link" in that folder. To begin a new one, delete ${progressFile} in it.`,
    );
  if (found && site !== undefined && [found.url, `https://${found.name}.netlify.app`].includes(site))
    throw new Error(
      `The Netlify site ${found.name} is your website: deploying the ${service} would replace it. ${env['NETLIFY_SITE_ID']?.trim() ? 'NETLIFY_SITE_ID in the environment names it: unset that' : `${folder} is linked to it: run "npx netlify-cli unlink" in that folder`}, then start again. Nothing was deployed.`,
    );
  return found;
}

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
  async first(deployment, io) {
    const { name, folder } = deployment;
    const found = await ownSite(deployment, io).catch(async (error: unknown) => {
      // Its own login opens the browser; a token in the environment does without.
      if (!io.prompts || !(error instanceof NotLoggedIn)) throw error;
      io.write('Netlify asks you to log in, in your browser.');
      const { code } = await runTool(tools.netlify, ['login'], { folder, stopped: io.stopped, interactive: true });
      if (code !== 0) throw error;
      return ownSite(deployment, io);
    });
    const site = found ?? (await createSite(io.env, folder, name));
    io.write(found ? `The Netlify site is ${site.url}` : `Made the Netlify site ${site.url}`);
    return site.url;
  },
  lastStep: 'deploy it there',
  async last(deployment, io) {
    const { folder, service } = deployment;
    // The tool would take the site of a folder further up.
    await ownSite({ ...deployment, isNew: false }, io);
    // What an earlier build of the tool left could be deployed in place of this.
    await rm(path.join(folder, '.netlify', 'functions'), { recursive: true, force: true });
    const functions = service === 'gateway' ? 'dist/netlify-gateway' : 'dist/netlify';
    const parameters = ['deploy', '--prod', '--no-build', '--dir', 'dist/public', '--functions', functions, '--json'];
    const { code, output } = await runTool(tools.netlify, parameters, { folder, stopped: io.stopped });
    if (code !== 0) throw new Error(`Netlify did not take the deploy. Its tool said:\n${lastLines(output)}`);
    io.write('Deployed.');
  },
};
