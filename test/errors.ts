import { gatewayErrors } from '../lib/gateway/errors.ts';
import { hopErrors } from '../lib/hop/errors.ts';
import { connectErrors, oauthErrors } from '../lib/oauth/errors.ts';
import { settingErrors } from '../lib/settings/errors.ts';
import { signInErrors } from '../lib/sign-in/errors.ts';
import { corsErrors } from '../lib/web/cors.ts';
import { webErrors } from '../lib/web/errors.ts';

export const loginErrors = { ...webErrors, ...settingErrors, ...oauthErrors, ...hopErrors };

/** And those of the other wing and what it stands on. */
export const errors = { ...loginErrors, ...corsErrors, ...connectErrors, ...signInErrors, ...gatewayErrors };
export type ErrorCode = keyof typeof errors;
