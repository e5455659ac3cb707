import { settingsOf } from '../../config/table.ts';
import { isPointer } from '../../config/environment.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Io } from '../io.ts';
import { parameterStore } from '../stores/aws.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import type { Deployment, Target } from './target.ts';

/**
 * The secrets in this shell's environment, such as those that a script sets for this command. What osls finds there it writes into
 * the function's configuration in clear text, in the place of the pointer to the parameter.
 */
function notForOsls(providers: readonly Provider[]): Record<string, undefined> {
  const secrets = new Set(settingsOf(undefined, providers).flatMap(({ name, secret }) => (secret ? name : [])));
  const given = Object.entries(process.env).filter(([name, value]) => secrets.has(name) && !isPointer(value));
  return Object.fromEntries(given.map(([name]) => [name, undefined]));
}

/** @returns what the tool printed */
async function deployStack({ stage, region, folder, service, providers }: Deployment, io: Io): Promise<string> {
  const config = service === 'gateway' ? ['--config', 'serverless-gateway.yml'] : [];
  const parameters = ['deploy', ...config, '--stage', stage, ...(region === undefined ? [] : ['--region', region])];
  const { code, output } = await runTool(tools.aws, parameters, {
    folder,
    stopped: io.stopped,
    env: notForOsls(providers),
    timeoutMs: 20 * 60_000,
  });
  if (code !== 0) throw new Error(`AWS did not take the deploy. osls said:\n${lastLines(output)}`);
  return output;
}

/**
 * A deploy to a stage that is in use replaces what runs there. Its parameters tell, and whether there are credentials at all.
 *
 * @throws Error in words if there is something already, or if nobody can say
 */
async function checkFree({ stage, region, service, providers, replace }: Deployment): Promise<void> {
  const secrets = settingsOf(service, providers).flatMap(({ name, secret }) =>
    secret ? [{ name, parameter: secret.parameter }] : [],
  );
  const taken = await parameterStore({ stage, region }).taken(secrets);
  if (taken.length === 0 || replace) return;
  throw new Error(
    `AWS has a ${service} called "${stage}" already: ${taken.join(', ')} ${taken.length > 1 ? 'are' : 'is'} there. Deploying would replace it. For another one, choose another name with --name, such as --name shop, in a folder of its own. To deploy over this one, add --replace. Nothing was deployed.`,
  );
}

/**
 * AWS Lambda behind an HTTP API. The API's address is known once it is deployed, and settings reach a function only with a
 * deploy: so there are two.
 */
export const aws: Target = {
  label: 'AWS Lambda',
  place: 'aws',
  needs: 'an AWS account, with credentials in this shell (as "aws configure" leaves them)',
  firstStep: 'deploy it as a Lambda function',
  async first(deployment: Deployment, io: Io) {
    if (deployment.isNew) await checkFree(deployment);
    const output = await deployStack(deployment, io);
    const [url] =
      /https:\/\/[\w-]+\.(?:execute-api\.[\w.-]+\.amazonaws\.com(?:\.cn)?|lambda-url\.[\w.-]+\.on\.aws)/.exec(output) ??
      [];
    if (url === undefined)
      throw new Error(
        'It is deployed, but osls named no address. Find it in the AWS console under API Gateway or Lambda, then start again with --url and that address.',
      );
    io.write(`Deployed: ${url}`);
    return url;
  },
  // The file `.env` may be the login's, too, whose address is another one. The platform knows the gateway's.
  gatewayUrl: 'CMS_GATEWAY_URL',
  lastStep: 'deploy again, since settings reach a Lambda function only with a deploy',
  async last(deployment, io) {
    await deployStack(deployment, io);
    io.write('Deployed with the settings.');
  },
};
