/** By which what is known about a token is kept. @param about whatever else it hangs on */
export const hashOf = (token: string, about = ''): string =>
  process.getBuiltinModule('node:crypto').createHash('sha256').update(`${about}\n${token}`).digest('base64url');
