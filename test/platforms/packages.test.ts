import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNetlify, type NetlifyBuild } from './netlify.ts';
import { functionPaths } from './paths.ts';
import { ofType, packageLambda, type LambdaPackage } from './osls.ts';
import { shipped } from './tool.ts';
import { readZip } from './zip.ts';

describe('What goes to Netlify', () => {
  let built: NetlifyBuild;

  beforeAll(async () => void (built = await buildNetlify()));

  it('is our functions with exactly their paths, for every method', async () => {
    const { gateway, ...expected } = await functionPaths();
    expect(gateway).toEqual(['/git', '/git/*']); // of another site
    expect(Object.keys(expected)).toEqual(['auth', 'bitbucket', 'github', 'gitlab']);
    const routes = built.functions.map(({ name, routes: own }) => [name, own] as const);
    expect(Object.fromEntries(routes)).toEqual(
      Object.fromEntries(
        Object.entries(expected).map(([name, paths]) => [
          name,
          paths.map((literal) => ({ pattern: literal, literal, methods: [] })),
        ]),
      ),
    );
  });

  it('holds its own file each, and what only some logins need', async () => {
    for (const { name, path: file } of built.functions) {
      const files = [...readZip(await readFile(path.join(built.folder, path.basename(file)))).keys()];
      const own = files.filter((entry) => !/^(___netlify|node_modules\/|package\.json)/.test(entry));
      expect(own.toSorted()).toEqual(
        ['apart/failure.mjs', 'apart/openid.mjs', 'apart/owner.mjs', 'apart/refresh.mjs', `${name}.mjs`].toSorted(),
      );
    }
  });
});

describe('What goes to Netlify for the gateway', () => {
  it('is one function with its paths', async () => {
    const { functions } = await buildNetlify(undefined, 'dist/netlify-gateway');
    expect(functions.map(({ name }) => name)).toEqual(['gateway']);
    const { gateway: paths } = await functionPaths();
    expect(functions[0]?.routes?.map(({ pattern }) => pattern)).toHaveLength(paths?.length ?? 0);
    expect(functions[0]?.routes).toEqual([
      { pattern: '/git', literal: '/git', methods: [] },
      { pattern: '/git/*', expression: expect.any(String) as string, methods: [] },
    ]);
  });
});

describe('What goes to AWS for the gateway', () => {
  const settings = {
    CMS_GATEWAY_REPO: 'https://github.com/owner/name',
    CMS_GATEWAY_PATHS: 'content/**',
    GITHUB_APP_PRIVATE_KEY: 'ssm:/cms-auth/dev/github-key',
    CMS_AUTH_URL: 'https://auth.example.com',
  };
  let packaged: LambdaPackage;

  beforeAll(async () => void (packaged = await packageLambda(settings, undefined, 'serverless-gateway.yml')));

  it('is one function with a Function URL', () => {
    const [own, ...others] = ofType(packaged, 'AWS::Lambda::Function');
    expect(others).toEqual([]);
    expect(own).toMatchObject({ Handler: 'dist/lambda-gateway/gateway.handler', Timeout: 30 });
    expect(ofType(packaged, 'AWS::Lambda::Url')).toEqual([expect.objectContaining({ AuthType: 'NONE' })]);
    expect(Object.values(packaged.resources).filter(({ Type }) => Type.startsWith('AWS::ApiGateway'))).toEqual([]);
  });

  it('has the settings of the shell that deploys, but not the login’s address', () => {
    const [{ Environment }] = ofType(packaged, 'AWS::Lambda::Function') as [{ Environment: unknown }];
    const { Variables } = Environment as { Variables: Record<string, string> };
    const set = Object.entries(Variables).filter(([, value]) => value !== '');
    const { CMS_AUTH_URL: _, ...own } = settings;
    expect(Object.fromEntries(set)).toEqual(own);
  });

  it('holds what the build made for it, and nothing else', async () => {
    const built = (await readdir(shipped('dist/lambda-gateway'))).map((file) => `dist/lambda-gateway/${file}`);
    expect([...packaged.files.keys()].sort()).toEqual(built.sort());
  });

  it('may read its own four secrets, have AWS decrypt them, and write its log', () => {
    const [role, ...others] = ofType(packaged, 'AWS::IAM::Role') as unknown as [
      { Policies: { PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown }[] } }[] },
    ];
    expect(others).toEqual([]);
    const statements = role.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    const actions = statements.flatMap(({ Action }) => Action).filter((name) => !name.startsWith('logs:'));
    expect(actions).toEqual(['ssm:GetParameters', 'kms:Decrypt']);
    const [reads] = statements.filter(({ Action }) => [Action].flat().includes('ssm:GetParameters'));
    expect(JSON.stringify(reads?.Resource).match(/parameter\/[\w/-]+/g)).toEqual(
      ['github-key', 'gateway-token', 'gateway-client', 'gateway-jwt'].map((name) => `parameter/cms-auth/dev/${name}`),
    );
  });
});

describe('What goes to AWS', () => {
  const settings = {
    GITHUB_CLIENT_ID: 'the-client-id',
    GITHUB_CLIENT_SECRET: 'the-client-secret',
    CMS_AUTH_ORIGINS: 'https://www.example.com, https://example.com',
  };
  let packaged: LambdaPackage;

  beforeAll(async () => void (packaged = await packageLambda(settings)));

  it('is one function, within the times that ours keeps to', () => {
    expect(ofType(packaged, 'AWS::Lambda::Function')).toEqual([
      expect.objectContaining({
        Handler: 'dist/lambda/auth.handler',
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Timeout: 15,
      }),
    ]);
  });

  it('has the settings of the shell that deploys, and for the rest the defaults', () => {
    const [{ Environment }] = ofType(packaged, 'AWS::Lambda::Function') as [{ Environment: unknown }];
    const { Variables } = Environment as { Variables: Record<string, string> };
    const names = ['github', 'gitlab', 'bitbucket'].flatMap((id) => {
      const prefix = id.toUpperCase();
      // Bitbucket's scopes are ticked, not asked for.
      const scope = id === 'bitbucket' ? [] : [[`${prefix}_SCOPE`, '']];
      const secret = [`${prefix}_CLIENT_SECRET`, `ssm:/cms-auth/dev/${id}`];
      return [[`${prefix}_CLIENT_ID`, ''], secret, [`${prefix}_URL`, ''], ...scope];
    });
    const ours = ['URL', 'ORIGINS', 'REFRESH', 'PAGE', 'SECRETS_TTL'].map((name) => [`CMS_AUTH_${name}`, '']);
    expect(Variables).toEqual({ ...Object.fromEntries([...names, ...ours]), ...settings });
  });

  it('holds what the build made for Lambda, and nothing else', async () => {
    const built = (await readdir(shipped('dist/lambda'))).map((file) => `dist/lambda/${file}`);
    expect([...packaged.files.keys()].sort()).toEqual(built.sort());
    for (const [name, data] of packaged.files) expect(data.equals(await readFile(shipped(name)))).toBe(true);
  });

  it('is reached below /auth by every method, and leaves CORS to us', () => {
    expect(
      ofType(packaged, 'AWS::ApiGatewayV2::Route')
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual(['ANY /auth', 'ANY /auth/{proxy+}']);
    expect(ofType(packaged, 'AWS::ApiGatewayV2::Integration')).toEqual([
      expect.objectContaining({ PayloadFormatVersion: '2.0' }),
    ]);
    const [api, ...others] = ofType(packaged, 'AWS::ApiGatewayV2::Api');
    expect(others).toEqual([]);
    expect(api).not.toHaveProperty('CorsConfiguration');
    expect(ofType(packaged, 'AWS::ApiGatewayV2::Stage')).toEqual([expect.objectContaining({ StageName: '$default' })]);
  });

  it('keeps its log for a month', () => {
    expect(ofType(packaged, 'AWS::Logs::LogGroup')).toEqual([expect.objectContaining({ RetentionInDays: 30 })]);
  });

  it('may read the three secrets, have AWS decrypt them, and write its log', () => {
    const [role, ...others] = ofType(packaged, 'AWS::IAM::Role') as unknown as [
      { Policies: { PolicyDocument: { Statement: Record<string, unknown>[] } }[]; ManagedPolicyArns?: string[] },
    ];
    expect(others).toEqual([]);
    expect(role.ManagedPolicyArns ?? []).toEqual([]);
    const statements = role.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    const parameter = (id: string) => ({
      'Fn::Sub': `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/cms-auth/dev/${id}`,
    });
    const own = statements.filter(({ Action }) => ![Action].flat().every((name) => String(name).startsWith('logs:')));
    expect(own).toEqual([
      {
        Effect: 'Allow',
        Action: ['ssm:GetParameters'],
        Resource: [parameter('github'), parameter('gitlab'), parameter('bitbucket')],
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt'],
        // Any key, but through the Parameter Store alone, and for these parameters alone.
        Resource: '*',
        Condition: {
          StringEquals: { 'kms:ViaService': { 'Fn::Sub': 'ssm.${AWS::Region}.amazonaws.com' } },
          StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': parameter('*') },
        },
      },
    ]);
  });

  it('has a Function URL, and both of the permissions that it needs, if the owner wants that', async () => {
    const withUrl = await packageLambda(settings, (yaml) => {
      const edited = yaml.replace(/events:\n(?: +- httpApi: .*\n){2}/, 'url: true\n');
      expect(edited).not.toBe(yaml);
      return edited;
    });
    const [url, ...others] = ofType(withUrl, 'AWS::Lambda::Url');
    expect(others).toEqual([]);
    expect(url).toMatchObject({ AuthType: 'NONE' });
    expect(url).not.toHaveProperty('Cors');
    const permissions = ofType(withUrl, 'AWS::Lambda::Permission');
    expect(permissions).toHaveLength(2);
    expect(permissions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE', Principal: '*' }),
        expect.objectContaining({ Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true, Principal: '*' }),
      ]),
    );
    expect(Object.values(withUrl.resources).filter(({ Type }) => Type.startsWith('AWS::ApiGateway'))).toEqual([]);
  });
});
