import { expectTypeOf, it } from 'vitest';
import { firebase } from '../../lib/platforms/firebase.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { fetch } from '../../lib/platforms/fetch.ts';
import { vercel } from '../../lib/platforms/vercel.ts';
import { workers } from '../../lib/platforms/workers.ts';
import type * as fetchTypes from '../../lib/build/types/fetch.d.mts';
import type * as vercelTypes from '../../lib/build/types/vercel.d.mts';
import type * as workersTypes from '../../lib/build/types/workers.d.mts';
import type * as firebaseTypes from '../../lib/build/types/firebase.d.mts';
import type * as lambdaTypes from '../../lib/build/types/lambda.d.mts';
import type * as netlifyTypes from '../../lib/build/types/netlify.d.mts';

// The type checker does this one: `npm run check`.
it('the package’s types say what the functions take and give', () => {
  expectTypeOf<ReturnType<typeof lambda>>().toExtend<typeof lambdaTypes.handler>();
  expectTypeOf<ReturnType<typeof firebase>>().toExtend<typeof firebaseTypes.default>();
  expectTypeOf<Parameters<ReturnType<typeof netlify>>[0]>().toEqualTypeOf<Request>();
  expectTypeOf<ReturnType<ReturnType<typeof netlify>>>().toExtend<ReturnType<typeof netlifyTypes.default>>();
  expectTypeOf<Awaited<ReturnType<ReturnType<typeof fetch>['fetch']>>>().toEqualTypeOf<Response>();
  expectTypeOf<ReturnType<typeof fetch>>().toExtend<typeof fetchTypes.default>();
  expectTypeOf<ReturnType<typeof vercel>>().toExtend<typeof vercelTypes.default>();
  expectTypeOf<Parameters<ReturnType<typeof workers>['fetch']>[0]>().toEqualTypeOf<Request>();
  expectTypeOf<ReturnType<ReturnType<typeof workers>['fetch']>>().toExtend<
    ReturnType<typeof workersTypes.default.fetch>
  >();
});
