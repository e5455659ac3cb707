/**
 * AWS as far as osls needs it to deploy a stack: STS, CloudFormation with its change sets, and one bucket of S3, all at one
 * address, as `AWS_ENDPOINT_URL` has it. Requests have to be signed; a change counts only once its change set was made,
 * looked at and carried out, and a template or package can be had only from where it was uploaded to.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, readBody, requestUrl } from './http.ts';

interface Template {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

export interface AwsHost {
  /** For `AWS_ENDPOINT_URL`. */
  readonly url: string;
  /** What the stack consists of now; nothing before it is made. */
  template: Template | undefined;
  /** Uploaded objects by key. */
  readonly objects: Map<string, Buffer>;
  /** Of each request: the action, or method and path. */
  readonly requests: string[];
  /** The environment of the one function, once it is deployed. */
  environment(): Record<string, string> | undefined;
  close(): Promise<void>;
}

const bucket = 'deployment-bucket-1';
const stack = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/cms-auth-functions-live/1';
const api = 'https://abc123.execute-api.eu-west-1.amazonaws.com';

export async function startAws(): Promise<AwsHost> {
  const changes = new Map<string, { type: string; template: Template }>();
  let status: string | undefined;
  const listening = await listen((request, response) => answer(request, response));
  const aws: AwsHost = {
    url: listening.url,
    template: undefined,
    objects: new Map(),
    requests: [],
    environment() {
      const lambda = Object.values(aws.template?.Resources ?? {}).find(({ Type }) => Type === 'AWS::Lambda::Function');
      const { Variables } = (lambda?.Properties?.['Environment'] ?? {}) as { Variables?: Record<string, string> };
      return Variables;
    },
    close: listening.close,
  };
  return aws;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request, aws.url);
    const bytes = await readBody(request, 64 * 1024 * 1024);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const given = new URLSearchParams(isForm ? bytes.toString() : '');
    const action = given.get('Action');
    aws.requests.push(action ?? `${request.method} ${url.pathname}`);
    const xml = (code: number, text: string) => void response.writeHead(code, { 'content-type': 'text/xml' }).end(text);
    const refuse = (code: number, name: string, message: string) =>
      xml(
        code,
        `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      );
    const result = (text: string) =>
      xml(200, `<${action}Response><${action}Result>${text}</${action}Result></${action}Response>`);
    if (!/^AWS4-HMAC-SHA256 Credential=.+\/eu-west-1\/\w+\/aws4_request/.test(request.headers.authorization ?? ''))
      return refuse(403, 'MissingAuthenticationToken', 'Missing Authentication Token');

    const named = given.get('StackName') ?? '';
    const isStack = named === 'cms-auth-functions-live' || named === stack;
    switch (action) {
      case 'GetCallerIdentity':
        return result(
          '<Arn>arn:aws:iam::123456789012:user/owner</Arn><UserId>A</UserId><Account>123456789012</Account>',
        );
      case 'DescribeStacks':
        if (status === undefined || !isStack)
          return refuse(400, 'ValidationError', `Stack with id ${named} does not exist`);
        return result(
          `<Stacks><member><StackName>cms-auth-functions-live</StackName><StackId>${stack}</StackId><StackStatus>${status}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs><member><OutputKey>HttpApiUrl</OutputKey><OutputValue>${api}</OutputValue></member></Outputs></member></Stacks>`,
        );
      case 'CreateChangeSet': {
        const type = given.get('ChangeSetType') ?? 'UPDATE';
        const from = /\/deployment-bucket-1\/(.+)$/.exec(given.get('TemplateURL') ?? '')?.[1];
        const text = given.get('TemplateBody') ?? aws.objects.get(decodeURIComponent(from ?? ''))?.toString();
        if (text === undefined) return refuse(400, 'ValidationError', 'There is no such template');
        if ((type === 'CREATE') !== (status === undefined)) return refuse(400, 'ValidationError', `Stack ${type}`);
        changes.set(given.get('ChangeSetName') ?? '', { type, template: JSON.parse(text) as Template });
        return result(
          `<Id>arn:aws:cloudformation:eu-west-1:123456789012:changeSet/x/1</Id><StackId>${stack}</StackId>`,
        );
      }
      case 'DescribeChangeSet':
        if (!changes.has(given.get('ChangeSetName') ?? ''))
          return refuse(404, 'ChangeSetNotFound', 'No such change set');
        return result(
          `<StackId>${stack}</StackId><Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes/>`,
        );
      case 'DeleteChangeSet':
        changes.delete(given.get('ChangeSetName') ?? '');
        return result('');
      case 'ExecuteChangeSet': {
        const change = changes.get(given.get('ChangeSetName') ?? '');
        if (!change) return refuse(404, 'ChangeSetNotFound', 'No such change set');
        const missing = Object.values(change.template.Resources).find(({ Type, Properties }) => {
          const { S3Key } = (Properties?.['Code'] ?? {}) as { S3Key?: string };
          return Type === 'AWS::Lambda::Function' && !aws.objects.has(S3Key ?? '');
        });
        if (missing) return refuse(400, 'ValidationError', 'The code of a function was not uploaded');
        aws.template = change.template;
        status = change.type === 'CREATE' ? 'CREATE_COMPLETE' : 'UPDATE_COMPLETE';
        return result('');
      }
      case 'DescribeStackEvents':
        return result(
          `<StackEvents><member><EventId>${status}-${aws.requests.length}</EventId><StackId>${stack}</StackId><StackName>cms-auth-functions-live</StackName><LogicalResourceId>cms-auth-functions-live</LogicalResourceId><PhysicalResourceId>${stack}</PhysicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><Timestamp>${new Date().toISOString()}</Timestamp><ResourceStatus>${status}</ResourceStatus></member></StackEvents>`,
        );
      case 'DescribeStackResource':
        return result(
          `<StackResourceDetail><LogicalResourceId>${given.get('LogicalResourceId')}</LogicalResourceId><PhysicalResourceId>${bucket}</PhysicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></StackResourceDetail>`,
        );
      case 'ListStackResources':
        return result('<StackResourceSummaries/>');
      case 'ValidateTemplate':
        return result('<Capabilities/>');
      case null:
        break;
      default:
        return refuse(400, 'InvalidAction', `There is no ${action} here`);
    }
    if (!url.pathname.startsWith(`/${bucket}`) || status === undefined)
      return xml(404, '<Error><Code>NoSuchBucket</Code></Error>');
    const key = decodeURIComponent(url.pathname.slice(bucket.length + 2));
    if (request.method === 'PUT') {
      aws.objects.set(key, bytes);
      return void response.writeHead(200, { etag: '"1"' }).end();
    }
    if (request.method === 'GET' && url.searchParams.has('list-type'))
      return xml(200, '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    response.writeHead(200).end();
  }
}
