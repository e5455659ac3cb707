import type { Routed, Wing } from './serve.ts';

interface Found extends Routed {
  wing: Wing<Routed>;
  route: Routed;
}

/** Several wings behind one handler: the first that knows the path answers; what none of them knows is the last one's. */
export const firstOf = (...wings: readonly [Wing<Routed>, ...Wing<Routed>[]]): Wing<Found> => ({
  patience: Math.max(...wings.map(({ patience }) => patience)),
  route(path, request, parameters) {
    const found = wings.map((wing): Found => {
      const route = wing.route(path, request, parameters);
      return { event: route.event, provider: route.provider, wing, route };
    });
    return (found.find(({ event }) => event !== 'none') ?? found.at(-1)) as Found;
  },
  answer: ({ wing, route }, surroundings) =>
    wing.answer(route, { ...surroundings, deadline: Math.min(surroundings.deadline, Date.now() + wing.patience) }),
  fail: ({ wing, route }, failure, seen) => wing.fail(route, failure, seen),
});
