import type { Io } from '../io.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import type { Deployment, Target } from './target.ts';

/** @returns what the tool printed */
async function deployStack({ region, folder, service }: Deployment): Promise<string> {
  const config = service === 'gateway' ? ['--config', 'serverless-gateway.yml'] : [];
  const parameters = ['deploy', ...config, '--stage', 'live', ...(region === undefined ? [] : ['--region', region])];
  const { code, output } = await runTool(tools.aws, parameters, { folder, timeoutMs: 20 * 60_000 });
  if (code !== 0) throw new Error(`AWS did not take the deploy. osls said:\n${lastLines(output)}`);
  return output;
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
    const output = await deployStack(deployment);
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
    await deployStack(deployment);
    io.write('Deployed with the settings.');
  },
};
