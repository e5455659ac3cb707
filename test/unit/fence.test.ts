import { describe, expect, it } from 'vitest';
import { hosts as gatewayHosts } from '../../functions/gateway.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import {
  isRead,
  jsonBody,
  number,
  passthrough,
  refuse,
  type GatewayHost,
  type Rule,
} from '../../lib/gateway/rules/rule.ts';
import { fenceOf } from '../gateway/fence.ts';

const withRule = (rule: Rule): GatewayHost => ({ ...github, rules: [...github.rules, rule] });

describe('the fence', () => {
  it('is the one that stands in test/gateway/fence.md', async () => {
    await expect(fenceOf(gatewayHosts)).toMatchFileSnapshot('../gateway/fence.md');
  });

  it('looks different with one rule more, whatever that rule says', () => {
    const now = fenceOf(gatewayHosts);
    const others = gatewayHosts.filter(({ provider }) => provider.id !== 'github');
    for (const rule of [
      { name: 'releases', method: 'POST', path: '/releases', body: passthrough('it is harmless', 'application/json') },
      { name: 'releases', method: 'DELETE', path: '/releases/{number}', parameters: { number }, names: 'a release' },
      { name: 'releases', method: 'GET', path: '/releases' },
    ] satisfies Rule[])
      expect(fenceOf([withRule(rule), ...others])).not.toBe(now);
  });

  it('has a key of a query for what a key can do, once each', () => {
    for (const { rules } of gatewayHosts)
      for (const { name, query = {}, required = [], match = [] } of rules)
        for (const key of [...required, ...match])
          expect([name, Object.keys(query)]).toEqual([name, expect.arrayContaining([key])]);
  });

  it('has only writes that check something that the client says', () => {
    for (const { provider, rules } of gatewayHosts)
      for (const rule of rules.filter((each) => !isRead(each))) {
        const { body, guard, parameters = {}, required = [] } = rule;
        const checked = [body, guard, ...Object.values(parameters), ...required].filter((each) => each !== undefined);
        expect([provider.id, rule.name, checked.length]).not.toEqual([provider.id, rule.name, 0]);
      }
  });
});

// Each of these is a hole in the fence. That they cannot be written down is for the compiler to say: without an error here, it has one.
describe('a rule that checks nothing cannot be written down', () => {
  const rules = (...list: Rule[]) => list.length;
  const path = '/releases';

  it('as a body that is passed on without a reason', () => {
    // @ts-expect-error no reason
    expect(rules({ name: 'releases', method: 'POST', path, body: passthrough('application/json') })).toBe(1);
  });

  it('as a write without a body, a look or a word about what it names', () => {
    // @ts-expect-error nothing is checked
    expect(rules({ name: 'releases', method: 'POST', path })).toBe(1);
  });

  it('as a write with a function that passes on what it gets', () => {
    // @ts-expect-error no words about what is checked
    expect(rules({ name: 'releases', method: 'PUT', path, body: { judge: jsonBody } })).toBe(1);
  });

  it('as a read that has a body', () => {
    const body = jsonBody('nothing', () => {
      throw refuse('no');
    });
    // @ts-expect-error a read brings none
    expect(rules({ name: 'releases', method: 'GET', path, body })).toBe(1);
  });
});
