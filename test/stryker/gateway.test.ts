import { describeGitHubApi } from '../contract/gateway/github-api.ts';
import { describeHosts } from '../contract/gateway/hosts.ts';
import { describeGateway } from '../contract/gateway/suite.ts';
import { callGateway } from '../contract/lambda.ts';

describeHosts('AWS Lambda', callGateway, { decodes: true });
describeGateway('AWS Lambda', callGateway, { megabytes: 6, answers: 6 });
describeGitHubApi('AWS Lambda', callGateway);
