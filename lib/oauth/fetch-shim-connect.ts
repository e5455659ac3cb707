import { Headers as Lighter } from './fetch-shim.ts';

export { Response } from './fetch-shim.ts';

/** The same for what a sign-in asks of the OAuth library: to read an issuer's keys it adds to headers. */
export class Headers extends Lighter {
  append = (name: string, value: string): void => {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  };
}
