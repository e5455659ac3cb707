/** What an HTTP API or a Function URL sends (payload format 2.0). */
export interface LambdaEvent {
  rawPath?: string;
  rawQueryString?: string;
  headers?: Record<string, string | undefined>;
  cookies?: string[];
  body?: string | null;
  isBase64Encoded?: boolean;
  requestContext: { domainName: string; stage: string; requestId?: string; http: { method: string } };
}

export interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  cookies: string[];
  body: string;
  isBase64Encoded?: boolean;
}

/** A function for AWS Lambda. Rejects only for events of another format. */
export declare const handler: (event: LambdaEvent) => Promise<LambdaResult>;
