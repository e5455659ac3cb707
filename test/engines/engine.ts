/**
 * A browser as a test drives it, whichever it is. Logins depend on what browsers do with windows, cookies and messages, and
 * each of the three engines has its own ways there; so a test says what an editor does and sees, and runs in all of them.
 */
export interface Engine {
  /** What is not there on this machine, and how to get it. */
  missing: string | undefined;
  /** Whether its driver tells of errors in the console. */
  hearsErrors: boolean;
  /** @param strict with the strictest protection against tracking that this browser can be told to have */
  launch(options?: { strict?: boolean }): Promise<Browser>;
}

export interface Browser {
  /** Somebody who has never been here before. */
  visitor(): Promise<Visitor>;
  close(): Promise<void>;
}

/** The windows of one visitor share cookies and storage. */
export interface Visitor {
  /** Opens a window. */
  open(url: string): Promise<Tab>;
  /** Errors in the console of the login server's pages so far. */
  errors: string[];
  leave(): Promise<void>;
}

/** One window. Elements are named by XPath, which all drivers know, and waited for. */
export interface Tab {
  click(element: string): Promise<void>;
  /** Clicks on what opens another window, and gives that one. */
  popup(element: string): Promise<Tab>;
  /** The text of the first such element. */
  text(element: string): Promise<string>;
  count(element: string): Promise<number>;
  /** The value of an expression in the page. */
  run<T>(expression: string): Promise<T>;
  /** Waits until the window has been closed. */
  closed(): Promise<void>;
}

/** How long something may take to be there: the CMSs are megabytes of script. */
export const timeoutMs = 60_000;

/** On a developer's machine the tests of an engine that is missing are left out, loudly; in CI they must run. */
export function missing(name: string, engine: Engine): boolean {
  if (engine.missing === undefined) return false;
  const how = `${name} is not installed: ${engine.missing}`;
  if (process.env['CI']) throw new Error(how);
  console.error(`\n!!!!!!!! NO TEST RUNS IN ${name.toUpperCase()}. ${how} !!!!!!!!\n`);
  return true;
}

/** Whether an address is one of the login server's pages; the CMSs write errors of their own. */
export const ours = (url: string): boolean => new URL(url, 'http://localhost').pathname.startsWith('/auth');
