import { readFileSync } from 'node:fs';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { cloudFormation } from '../../lib/build/template.mjs';
import { loginSettings } from '../settings.ts';

const open = loginSettings().flatMap(({ name, secret }) => (secret ? [] : name));
const hosts = providers.map(({ id }) => id);
const template = cloudFormation(loginSettings());
/** CloudFormation's short forms, as the long ones. */
const customTags = [{ tag: '!Sub', resolve: (text: string) => ({ 'Fn::Sub': text }) }];
interface Service {
  provider: {
    runtime: string;
    memorySize: number;
    timeout: number;
    architecture: string;
    environment: Record<string, string>;
    iam: { role: { statements: Record<string, unknown>[] } };
  };
  custom: { secrets: string };
  package: { patterns: string[] };
  functions: Record<string, { handler: string }>;
}
const read = (file: string) => parse(readFileSync(file, 'utf8'), { customTags }) as Service;
const { provider, custom, ...login } = read('serverless.yml');
const gateway = read('serverless-gateway.yml');
const settings = loginSettings()
  .map(({ name }) => name)
  .sort();

it('the gateway on AWS has its own package, and reads no secret that the login reads', () => {
  expect(login.package.patterns).toEqual(['!**', 'dist/lambda/*.mjs']);
  expect(gateway.package.patterns).toEqual(['!**', 'dist/lambda-gateway/*.mjs']);
  expect(Object.values(gateway.functions).map(({ handler }) => handler)).toEqual([
    'dist/lambda-gateway/gateway.handler',
  ]);
  const parameters = (service: Pick<Service, 'provider'>) =>
    service.provider.iam.role.statements
      .filter(({ Action }) => Action === 'ssm:GetParameters')
      .flatMap(({ Resource }) => Resource as { 'Fn::Sub': string }[])
      .map(({ 'Fn::Sub': name }) => name.split('parameter').at(-1) ?? '');
  const ofLogin = parameters({ provider });
  expect(ofLogin).toHaveLength(hosts.length);
  expect(parameters(gateway).map((name) => name.replace('${self:custom.secrets}/', ''))).toEqual([
    'github-key', // where the set-up keeps the app's
    'gateway-token',
    'gateway-client',
    'gateway-jwt',
  ]);
  expect(parameters(gateway).filter((name) => ofLogin.includes(name) || name.includes('*'))).toEqual([]);
});

it('the CloudFormation template makes the function that serverless.yml makes', () => {
  const { Properties } = template.Resources.Function;
  expect(Object.keys(Properties.Environment.Variables).sort()).toEqual(settings);
  expect(Properties).toMatchObject({
    Runtime: provider.runtime,
    MemorySize: provider.memorySize,
    Timeout: provider.timeout,
    Architectures: [provider.architecture],
  });
  // Every setting but the secrets is asked for, in a parameter that CloudFormation takes.
  const { Secrets, ...asked } = template.Parameters as Record<string, { Default: string; Description: string }>;
  expect(Secrets?.Default).toBe(custom.secrets.replace('${sls:stage}', 'live'));
  expect(Object.values(asked).map(({ Description }) => Description)).toEqual(open);
  for (const name of Object.keys(template.Parameters)) expect(name).toMatch(/^[A-Za-z0-9]+$/);
});

it('the CloudFormation template gives the rights that serverless.yml gives', () => {
  const [policy] = template.Resources.Role.Properties.Policies;
  const [log, ...others] = policy?.PolicyDocument.Statement ?? [];
  expect(log?.Action).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
  const plain = (value: unknown) =>
    JSON.stringify(value).replaceAll('${self:custom.secrets}', '${Secrets}').replaceAll('"Action":"', '"Action":["');
  const list = (statement: Record<string, unknown>) => ({ ...statement, Action: [statement['Action']].flat() });
  expect(JSON.parse(plain(others))).toEqual(JSON.parse(plain(provider.iam.role.statements.map(list))));
});

it('the CloudFormation template is one by AWS’s own specification', async () => {
  const specification = await loadAwsServiceSpec();
  const resources: Record<string, { Type: string; Properties: object }> = template.Resources;
  const known = new Set(['AWS::StackName', ...Object.keys(template.Parameters), ...Object.keys(resources)]);
  for (const [name, { Type, Properties }] of Object.entries(resources)) {
    const { properties } = specification.lookup('resource', 'cloudFormationType', 'equals', Type).only();
    const required = Object.entries(properties).flatMap(([property, { required: is }]) => (is ? [property] : []));
    expect(Object.keys(properties), name).toEqual(expect.arrayContaining(Object.keys(Properties)));
    expect(Object.keys(Properties), name).toEqual(expect.arrayContaining(required));
  }
  const text = JSON.stringify(template);
  for (const [, name = ''] of text.matchAll(/"Ref":"([^"]+)"/g)) expect(known).toContain(name);
  for (const [, name = ''] of text.matchAll(/\$\{([^}:]+)\}/g)) expect(known).toContain(name);
  for (const [, name = '', attribute = ''] of text.matchAll(/"Fn::GetAtt":\["([^"]+)","([^"]+)"\]/g)) {
    const type = resources[name]?.Type ?? '';
    const { attributes } = specification.lookup('resource', 'cloudFormationType', 'equals', type).only();
    expect(Object.keys(attributes)).toContain(attribute);
  }
});

it('netlify.toml asks only for settings that exist and that anybody may see', () => {
  const toml = readFileSync('netlify.toml', 'utf8');
  const [, section = ''] = /\[template\.environment\]\n([\s\S]*?)(?:\n\[|$)/.exec(toml) ?? [];
  const names = [...section.matchAll(/^([A-Z_]+) = /gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !open.includes(name ?? ''))).toEqual([]);
});
