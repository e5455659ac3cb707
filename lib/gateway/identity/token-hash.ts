let crypto: typeof import('node:crypto') | undefined;

/** By which what is known about a token, or the header that it came in, is kept. @param about whatever else it hangs on */
export const hashOf = (text: string, about = ''): string =>
  (crypto ??= process.getBuiltinModule('node:crypto')).hash('sha256', `${about}\n${text}`, 'base64url');
