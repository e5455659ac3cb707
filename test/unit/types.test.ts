import { expectTypeOf, it } from 'vitest';
import type { Context } from '@netlify/functions';
import { fetch } from '../../lib/platforms/fetch.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { vercel } from '../../lib/platforms/vercel.ts';
import { workers } from '../../lib/platforms/workers.ts';

// The type checker does this one: `npm run check`. The declarations in dist/types are made of these; test/frameworks compiles
// applications with them.
it('the shells take what the platforms give, and give what they take', () => {
  expectTypeOf<Context>().toExtend<NonNullable<Parameters<ReturnType<typeof netlify>>[1]>>();
  expectTypeOf<ReturnType<ReturnType<typeof netlify>>>().toEqualTypeOf<Promise<Response>>();
  expectTypeOf<ReturnType<typeof lambda>>().returns.resolves.toHaveProperty('statusCode');
  for (const shell of [fetch, vercel, workers]) {
    expectTypeOf<Parameters<ReturnType<typeof shell>['fetch']>[0]>().toEqualTypeOf<Request>();
    expectTypeOf<ReturnType<ReturnType<typeof shell>['fetch']>>().toEqualTypeOf<Promise<Response>>();
  }
});
