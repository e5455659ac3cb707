import { table } from '../http/errors.ts';

/** What can be wrong with our own settings. */
export const settingErrors = table({
  SETTING_MISSING: {
    status: 500,
    text: '{setting} is not set. The owner of this login server has to set it.{advice}',
  },
  SETTING_EMPTY: { status: 500, text: '{setting} is set but empty. The owner of this login server has to fill it in.' },
  /** One of several that would do, or one that another one needs. */
  SETTING_INCOMPLETE: { status: 500, text: '{setting} {detail}' },
  SETTING_INVALID: { status: 500, text: '{setting} cannot be used: {detail}' },
});

/** What can be wrong with what they point to. Without a store, nothing is. */
export const parameterErrors = /* @__PURE__ */ table({
  PARAMETER_MISSING: {
    status: 500,
    text: '{setting} points to {pointer}, which does not exist in {region}. The owner of this login server has to create it there, or to correct the name.',
  },
  PARAMETER_EMPTY: {
    status: 500,
    text: '{setting} points to {pointer}, which is empty. The owner of this login server has to fill it in.',
  },
  PARAMETER_UNREADABLE: {
    status: 500,
    text: '{setting} points to {pointer}, which could not be read: {detail}. Start again from the CMS in a minute. If it keeps happening, the owner of this login server has to look into it.',
  },
});
