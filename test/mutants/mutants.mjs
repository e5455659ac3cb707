// @ts-check
import { doctor } from './doctor.mjs';
import { gateway } from './gateway.mjs';
import { loginServer } from './login.mjs';
import { githubApi } from './github-api.mjs';
import { hosts } from './hosts.mjs';
import { oauth } from './oauth.mjs';
import { proxy } from './proxy.mjs';
import { repairs } from './repairs.mjs';
import { settings } from './settings.mjs';
import { signIn } from './sign-in.mjs';
import { web } from './web.mjs';

/**
 * What the code looks like without each of its guards, and the tests that have to notice. `find` must stand in the file
 * exactly once: whoever changes a guard changes its mutant, too.
 *
 * @typedef {object} Mutant
 * @property {string} guard what is taken away
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {string} tests a file
 * @property {string} [named] part of the names of the tests in it that are run; all of them if absent
 */

/** @type {Mutant[]} */
export const mutants = [
  ...loginServer,
  ...oauth,
  ...web,
  ...settings,
  ...repairs,
  ...signIn,
  ...gateway,
  ...hosts,
  ...githubApi,
  ...proxy,
  ...doctor,
];
