import type { Routed, RouteModule } from './serve.ts';

interface Found extends Routed {
  routes: RouteModule<Routed>;
  route: Routed;
}

/** Several route modules behind one handler: the first that knows the path answers; what none of them knows is the last one's. */
export const firstOf = (...modules: readonly [RouteModule<Routed>, ...RouteModule<Routed>[]]): RouteModule<Found> => ({
  timeoutMs: Math.max(...modules.map(({ timeoutMs }) => timeoutMs)),
  route(path, request, parameters) {
    const found = modules.map((routes): Found => {
      const route = routes.route(path, request, parameters);
      return { event: route.event, provider: route.provider, routes, route };
    });
    return (found.find(({ event }) => event !== 'none') ?? found.at(-1)) as Found;
  },
  answer: ({ routes, route }, context) =>
    routes.answer(route, { ...context, deadline: Math.min(context.deadline, Date.now() + routes.timeoutMs) }),
  fail: ({ routes, route }, failure, seen) => routes.fail(route, failure, seen),
});
