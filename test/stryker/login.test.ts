import { call } from '../contract/lambda.ts';
import { describeLogin } from '../contract/login.ts';
import { describeRefresh } from '../contract/refresh.ts';

describeLogin('AWS Lambda', call);
describeRefresh('AWS Lambda', call);
