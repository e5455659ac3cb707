/** As much of oidc-provider as is used here; its own types bring those of all of Koa. */
declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  export interface Context {
    oidc: {
      client?: { clientId: string };
      session?: { accountId?: string; grantIdFor(clientId: string): string | undefined };
      result?: { login?: unknown; select_account?: unknown };
      provider: Provider;
      /** By their addresses. */
      resourceServers?: Record<string, unknown>;
    };
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ uid: string; params: Record<string, unknown> }>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    Grant: {
      new (properties: { clientId: string; accountId: string }): Grant;
      find(id: string): Promise<Grant | undefined>;
    };
    on(event: string, listener: (...given: never[]) => void): this;
  }

  export class Prompt {
    constructor(info: { name: string; requestable: boolean });
    checks: { add(check: Check): void };
  }

  export class Check {
    constructor(reason: string, description: string, check: (ctx: Context) => boolean);
  }

  export const interactionPolicy: {
    base(): { get(name: string): Prompt; add(prompt: Prompt, index: number): void };
    Check: typeof Check;
    Prompt: typeof Prompt;
  };
}
