/** What we use of openid-client, and nothing else of it: in a file of its own, which only a login that comes back loads. */
export {
  allowInsecureRequests,
  authorizationCodeGrant,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  refreshTokenGrant,
  ResponseBodyError,
} from 'openid-client';

/** A JSON body that has been read already: through a stream, it would cost more than the rest of the library's work. */
export class ReadResponse extends Response {
  readonly #body: unknown;

  constructor(body: unknown, status: number) {
    super(null, { status, headers: { 'content-type': 'application/json' } });
    this.#body = body;
  }

  override json = (): Promise<unknown> => Promise.resolve(this.#body);
  override clone = (): this => this;
}
