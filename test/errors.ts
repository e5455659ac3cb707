import { gatewayErrors } from '../lib/gateway/errors.ts';
import { loginErrors as ofLogin, refreshErrors } from '../lib/login/errors.ts';
import { connectErrors, hostErrors } from '../lib/oauth/errors.ts';
import { transactionErrors } from '../lib/oauth/transaction-errors.ts';
import { parameterErrors, settingErrors } from '../lib/config/errors.ts';
import { identityErrors } from '../lib/gateway/identity/errors.ts';
import { signInErrors } from '../lib/gateway/sign-in/errors.ts';
import { corsErrors } from '../lib/http/cors.ts';
import { webErrors } from '../lib/http/errors.ts';

export const loginErrors = {
  ...webErrors,
  ...settingErrors,
  ...parameterErrors,
  ...transactionErrors,
  ...hostErrors,
  ...ofLogin,
  ...refreshErrors,
};

/** And those of the other route module and what it stands on. */
export const errors = {
  ...loginErrors,
  ...corsErrors,
  ...connectErrors,
  ...identityErrors,
  ...signInErrors,
  ...gatewayErrors,
};
export type ErrorCode = keyof typeof errors;
