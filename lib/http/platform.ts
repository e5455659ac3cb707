import type { OpenCookieStore } from './cookie-store.ts';

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
  /** Takes a line for the log where what is written to standard output is not collected as it is. */
  print?: ((line: string) => void) | undefined;
  /** How keys are kept where it does not let all cookies through. */
  openCookieStore?: OpenCookieStore;
  /** What to say where a setting is missing: how one gets lost on this platform. */
  adviceOnMissing?: string;
  /** Where the values of `ssm:` settings are; opened only when there is one. Elsewhere such settings are refused. */
  openParameterStore?: (() => Promise<ParameterStore>) | undefined;
}

/** Keeps values that settings only point to. */
export interface ParameterStore {
  /**
   * @param names of parameters, such as `/cms/github/secret`
   * @param limits how old a value may be, in milliseconds, and when to give up, in milliseconds since the epoch
   * @returns an entry for each name; it does not reject for what the store answers or fails to answer
   */
  read(
    names: readonly string[],
    limits: { timeToLive: number; deadline: number },
  ): Promise<ReadonlyMap<string, Parameter>>;
  /** Has a value read anew next time, or as soon as it is allowed again, unless that was done already. */
  invalidate(name: string, value: string): void;
}

/** A value, or what stood in the way of reading it; both where a value could not be renewed and the old one still serves. */
export interface Parameter {
  value?: string | undefined;
  problem?: { code: 'PARAMETER_MISSING' | 'PARAMETER_UNREADABLE'; fill: Readonly<Record<string, string>> } | undefined;
}
