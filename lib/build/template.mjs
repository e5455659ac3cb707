// @ts-check
/**
 * The login server on AWS as a plain CloudFormation template, for owners without osls: the same function, address, rights and
 * log as `serverless.yml` makes. `aws cloudformation package` uploads the folder that it names.
 *
 * @param {readonly import('../config/table.ts').Setting[]} settings all that the function reads
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
 */
export function cloudFormation(settings) {
  const open = settings.filter(({ secret }) => !secret);
  const secrets = settings.flatMap(({ name, secret }) => (secret ? { name, parameter: secret.parameter } : []));
  const parameterArn = (/** @type {string} */ name) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter\${Secrets}/${name}`,
  });
  /** CloudFormation's names know letters and digits only. */
  const logicalId = (/** @type {string} */ setting) =>
    setting
      .toLowerCase()
      .split('_')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('');
  const route = (/** @type {string} */ key) => ({
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: key,
      Target: { 'Fn::Sub': 'integrations/${Integration}' },
    },
  });

  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Login for a Git-based CMS (cms-auth-functions)',
    Parameters: {
      ...Object.fromEntries(
        open.map(({ name }) => [logicalId(name), { Type: 'String', Default: '', Description: name }]),
      ),
      Secrets: {
        Type: 'String',
        Default: '/cms-auth/live',
        AllowedPattern: '(/[A-Za-z0-9_.-]+)+',
        Description: `Where the client secrets are in the Parameter Store: below this, as ${secrets.map(({ parameter }) => parameter).join(', ')}`,
      },
    },
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
          },
          Policies: [
            {
              PolicyName: 'cms-auth',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [
                  {
                    Effect: 'Allow',
                    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
                    Resource: { 'Fn::GetAtt': ['Log', 'Arn'] },
                  },
                  {
                    Effect: 'Allow',
                    Action: ['ssm:GetParameters'],
                    Resource: secrets.map(({ parameter }) => parameterArn(parameter)),
                  },
                  {
                    Effect: 'Allow',
                    Action: ['kms:Decrypt'],
                    // Any key, but through the Parameter Store alone, and for these parameters alone.
                    Resource: '*',
                    Condition: {
                      StringEquals: { 'kms:ViaService': { 'Fn::Sub': 'ssm.${AWS::Region}.amazonaws.com' } },
                      StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': parameterArn('*') },
                    },
                  },
                ],
              },
            },
          ],
        },
      },
      Log: {
        Type: 'AWS::Logs::LogGroup',
        Properties: { LogGroupName: { 'Fn::Sub': '/aws/lambda/${AWS::StackName}' }, RetentionInDays: 30 },
      },
      Function: {
        Type: 'AWS::Lambda::Function',
        DependsOn: ['Log'],
        Properties: {
          FunctionName: { Ref: 'AWS::StackName' },
          Code: '../lambda', // this folder, until "aws cloudformation package" has uploaded it
          Handler: 'auth.handler',
          Runtime: 'nodejs24.x',
          Architectures: ['arm64'],
          MemorySize: 1024,
          Timeout: 15,
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Environment: {
            Variables: {
              ...Object.fromEntries(open.map(({ name }) => [name, { Ref: logicalId(name) }])),
              ...Object.fromEntries(
                secrets.map(({ name, parameter }) => [name, { 'Fn::Sub': `ssm:\${Secrets}/${parameter}` }]),
              ),
            },
          },
        },
      },
      Api: {
        Type: 'AWS::ApiGatewayV2::Api',
        Properties: { Name: { Ref: 'AWS::StackName' }, ProtocolType: 'HTTP' },
      },
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: 'Api' },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: { 'Fn::GetAtt': ['Function', 'Arn'] },
          PayloadFormatVersion: '2.0',
        },
      },
      RouteRoot: route('ANY /auth'),
      RouteBelow: route('ANY /auth/{proxy+}'),
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
      },
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          FunctionName: { 'Fn::GetAtt': ['Function', 'Arn'] },
          Action: 'lambda:InvokeFunction',
          Principal: 'apigateway.amazonaws.com',
          SourceArn: { 'Fn::Sub': 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*' },
        },
      },
    },
    Outputs: {
      Address: { Description: 'Open /auth below this', Value: { 'Fn::GetAtt': ['Api', 'ApiEndpoint'] } },
    },
  };
}
