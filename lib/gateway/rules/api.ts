import type { Field, Fields } from '../graphql/table.ts';
import type { Editor } from '../identity/editors.ts';
import type { Gateway } from '../settings.ts';
import type { GatewayHost, Json, Rule } from './rule.ts';

/**
 * A host's own API, for CMSs that are pointed at us in its place and speak to it as if they had an account there. What concerns
 * the repository goes through the host's rules, as every call does; here is what else these CMSs ask for.
 */
export interface HostApi {
  /** What passes to the repository besides the host's own rules, and before them. */
  rules: readonly Rule[];
  /** The first that fits answers. */
  answers: readonly SessionAnswer[];
  /** What may be asked for by GraphQL. */
  query: Fields;
  /** What may be done by it, each with how it is done. */
  mutations: Readonly<Record<string, Mutation>>;
}

/** What we know ourselves: it says who the editor is, and asks nobody. */
export interface SessionAnswer {
  /** For the log. */
  name: string;
  method: 'GET';
  /** Below the API's root, the repository included; what is in parentheses goes to `answer`, decoded. Anchored. */
  path: RegExp;
  /** @returns the JSON; `null` for an answer without any, undefined where there is nothing */
  answer: (session: Session, part: string) => Json | null | undefined;
}

export interface Session {
  gateway: Gateway<GatewayHost>;
  editor: Editor;
  /** The address that the editor commits under. */
  email: string;
}

/**
 * Something that is done by GraphQL. The host never gets it as it came: it would do it in the name of our credential, and look
 * at nothing that our rules look at.
 */
export interface Mutation {
  /** What it takes, and what the client may want to know afterwards. */
  field: Field;
  /** For the log. */
  name: string;
  /**
   * @param input as it came
   * @returns the fields of the answer; see `answerFields`
   * @throws Failure for what it must not do or the host refuses
   */
  run: (input: Json, call: ApiCall) => Promise<Json>;
}

export interface ApiCall extends Session {
  /**
   * Does a call as if the CMS had sent it: by the rules, with the committer that they set and the paths that they allow.
   *
   * @param path below the repository, encoded
   * @returns what came back, with whatever status below 400
   * @throws Failure, HostRefused
   */
  rest: (method: string, path: string, body?: object) => Promise<Json>;
  /** Asks the host's GraphQL. @param document of our own writing @throws Failure, HostRefused */
  graphql: (document: string) => Promise<Json>;
}

/** The host does not do it. The words are its own. */
export class HostRefused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What is said to a client that wrote down something that is not true any more. GitHub's name for it, which the CMSs know. */
export class StaleData extends Error {}
