import { decodeJwt } from 'jose';

/** How long an answer is believed, in milliseconds, and how many are kept. */
const keptFor = 60_000;
const mostAnswers = 1_000;

interface Kept<Answer> {
  answer: Promise<Answer>;
  until: number;
}

/**
 * What was found out about tokens. A CMS that opens a list sends fifty requests with one token, and each of them would check it
 * anew. Kept by a hash: who reads our memory finds no token. For a minute only, in which somebody whom the issuer has put out
 * may still come in; the list of editors is asked at every call.
 */
export class Answers<Answer> {
  /** The oldest come first. */
  readonly #kept = new Map<string, Kept<Answer>>();

  /** @returns undefined if the token has to be looked at (again) */
  find(hash: string): Promise<Answer> | undefined {
    const kept = this.#kept.get(hash);
    return kept && Date.now() < kept.until ? kept.answer : undefined;
  }

  /** @param end of the token, in milliseconds since the epoch */
  keep(hash: string, answer: Promise<Answer>, end = Infinity): void {
    this.#kept.delete(hash);
    this.#kept.set(hash, { answer, until: Math.min(Date.now() + keptFor, end) });
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= mostAnswers) break;
      this.#kept.delete(oldest);
    }
  }

  forget(hash: string): void {
    this.#kept.delete(hash);
  }
}

/** @param about whatever else the answer hangs on */
export const hashOf = (token: string, about = ''): string =>
  process.getBuiltinModule('node:crypto').createHash('sha256').update(`${about}\n${token}`).digest('base64url');

/** When a token ends by its own account, in milliseconds since the epoch; undefined if it does not say. */
export function endOf(token: string): number | undefined {
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1000;
  } catch {
    return undefined;
  }
}
