import { expectTypeOf, it } from 'vitest';
import { firebase } from '../../lib/platforms/firebase.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import type * as firebaseTypes from '../../lib/build/types/firebase.d.mts';
import type * as lambdaTypes from '../../lib/build/types/lambda.d.mts';
import type * as netlifyTypes from '../../lib/build/types/netlify.d.mts';

// The type checker does this one: `npm run check`.
it('the package’s types say what the functions take and give', () => {
  expectTypeOf<ReturnType<typeof lambda>>().toExtend<typeof lambdaTypes.handler>();
  expectTypeOf<ReturnType<typeof firebase>>().toExtend<typeof firebaseTypes.default>();
  expectTypeOf<Parameters<ReturnType<typeof netlify>>[0]>().toEqualTypeOf<Request>();
  expectTypeOf<ReturnType<ReturnType<typeof netlify>>>().toExtend<ReturnType<typeof netlifyTypes.default>>();
});
