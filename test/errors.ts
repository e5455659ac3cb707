/** Every failure that the login knows, of all rooms. */
import { hopErrors } from '../lib/hop/errors.ts';
import { oauthErrors } from '../lib/oauth/errors.ts';
import { settingErrors } from '../lib/settings/errors.ts';
import { webErrors } from '../lib/web/errors.ts';

export const errors = { ...webErrors, ...settingErrors, ...oauthErrors, ...hopErrors };
export type ErrorCode = keyof typeof errors;
