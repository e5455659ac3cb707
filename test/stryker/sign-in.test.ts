import { call } from '../contract/lambda.ts';
import { describePopup } from '../contract/popup.ts';
import { describeSignIn } from '../contract/sign-in.ts';

describeSignIn('AWS Lambda', call);
describePopup('AWS Lambda', call);
