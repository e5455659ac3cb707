import { ask } from '../request.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import { frontPage } from './front-page.ts';
import type { Target } from './target.ts';

/**
 * A deploy replaces the whole of what Hosting shows. Whatever answers at `/` is a website, unless it is the page of ours.
 *
 * @throws Error in words if there is one, or if nobody can say
 */
async function checkFree(project: string): Promise<void> {
  const host = `${project}.web.app`;
  const { status, text } = await ask('The address of the login', `https://${host}/`);
  // A redirect is a website's, too: to a language, or to its own domain.
  if (status >= 400 || text.trim() === frontPage.trim()) return;
  throw new Error(
    `${host} already has a site. Deploying would replace it. Make another project for the login, or see docs/firebase.md ("Beside your site"). Nothing was deployed.`,
  );
}

/**
 * A Firebase function behind Firebase Hosting. The address follows from the project, and a secret has to exist before a
 * function that names it can be deployed: so the settings come first.
 */
export const firebase: Target = {
  label: 'Firebase',
  place: 'firebase',
  needs: 'a Firebase project on the Blaze plan, which functions need',
  firstStep: 'choose the Firebase project',
  async first({ project, folder, isNew }, io) {
    if (project === undefined) throw new Error('Which Firebase project? Add --project and its id.');
    if (isNew) await checkFree(project);
    if (io.prompts) await runTool(tools.firebase, ['login'], { folder, stopped: io.stopped, interactive: true });
    const { code, output } = await runTool(tools.firebase, ['use', project], { folder, stopped: io.stopped });
    if (code !== 0)
      throw new Error(
        `Firebase does not know the project ${project}, or you are not logged in ("npx firebase-tools login"). Its tool said:\n${lastLines(output)}`,
      );
    return `https://${project}.web.app`;
  },
  withoutGateway:
    'A gateway on Firebase needs rewrites of its own: docs/gateway-platforms.md says how to deploy it there by hand.',
  lastStep: 'deploy it there',
  async last({ project = '', folder }, io) {
    const parameters = ['deploy', '--only', 'functions:cms-auth,hosting', '--project', project, '--non-interactive'];
    const { code, output } = await runTool(tools.firebase, parameters, {
      folder,
      stopped: io.stopped,
      timeoutMs: 20 * 60_000,
    });
    if (code !== 0) throw new Error(`Firebase did not take the deploy. Its tool said:\n${lastLines(output)}`);
    io.write('Deployed.');
  },
};
