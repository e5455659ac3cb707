let crypto: typeof import('node:crypto') | undefined;

/** By which what is known about a token is kept. @param about whatever else it hangs on */
export const hashOf = (token: string, about = ''): string =>
  (crypto ??= process.getBuiltinModule('node:crypto')).hash('sha256', `${about}\n${token}`, 'base64url');
