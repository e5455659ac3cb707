import { describeHosts } from './gateway/hosts.ts';
import { describeGitHubApi } from './gateway/github-api.ts';
import { describeGateway } from './gateway/suite.ts';
import { call, callGateway } from './lambda.ts';
import { describeLogin } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describePopup } from './popup.ts';
import { describeSignIn } from './sign-in.ts';

describeLogin('AWS Lambda', call);
describeRefresh('AWS Lambda', call);
describeHosts('AWS Lambda', callGateway, { decodes: true });
describeGateway('AWS Lambda', callGateway, {
  megabytes: 6,
  answers: 6,
});
describeSignIn('AWS Lambda', call);

describeGitHubApi('AWS Lambda', callGateway);

describePopup('AWS Lambda', call);
