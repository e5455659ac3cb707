import type { OpenCookieStore } from './cookie-store.ts';

/** Variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What only the platform knows or can do. Everything is optional: a platform says what it has. */
export interface Platform {
  /** Our own address as the platform itself knows it (never from a request header); `CMS_AUTH_URL` overrides it. */
  url?: string | undefined;
  /** When it ends this request, in milliseconds since the epoch, if it says so. */
  deadline?: number | undefined;
  /** Bytes that it lets through in a request's body, as they arrive here. */
  largestBody?: number | undefined;
  /** Bytes that it lets out in an answer, as `sizeOf` counts them. */
  largestAnswer?: number | undefined;
  /** What an answer with this body weighs on its way out; as many bytes as it has, if absent. */
  sizeOf?: ((body: string | Uint8Array) => number) | undefined;
  /** Whether it sends an answer on while more of it is still to come, in such a way that its client can tell a part from all of it. */
  streams?: boolean | undefined;
  /** Whether it sends bytes in base64, which makes them larger: what is text goes out as text there. */
  base64?: boolean | undefined;
  /** Whether it hands paths over decoded, so that nobody can tell an encoded slash from another. */
  decodesPath?: boolean | undefined;
  /** Its name for this request, for the log. */
  requestId?: string | undefined;
  /** Takes a line for the log, where it is not to be written to standard output at once and by itself. */
  print?: ((line: string) => void) | undefined;
  /** How keys are kept where it does not let all cookies through. */
  openCookieStore?: OpenCookieStore;
  /** What to say where a setting is missing: how one gets lost on this platform. */
  adviceOnMissing?: string;
  /** Where the values of `ssm:` settings are; opened only when there is one. Elsewhere such settings are refused. */
  loadPointers?: (() => Promise<OpenPointers>) | undefined;
}

/**
 * Takes what one request's settings point to.
 *
 * @param deadline milliseconds since the epoch
 * @param warnings gets what went wrong although the login could go on
 */
export type OpenPointers = (env: Environment, deadline: number, warnings: string[]) => Pointers;

/** What the settings of one request point to. */
export interface Pointers {
  /**
   * Reads what these settings point to, in one call to the store for all that was not read before.
   *
   * @param later settings that may be needed later: what they point to is read, too, if the store has to be asked anyway
   * @returns the environment with the values in the place of the pointers
   * @throws Failure PARAMETER_MISSING, PARAMETER_EMPTY, PARAMETER_UNREADABLE, SETTING_INVALID, for the first of `settings`, or for
   *   CMS_AUTH_SECRETS_TTL
   */
  read(settings: readonly string[], later: readonly string[]): Promise<Environment>;
  /** The host refused these values: they are not used again, but read anew for the next login. */
  invalidate(): void;
}
