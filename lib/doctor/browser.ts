import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { startGate, type Gate } from './browser-gate.ts';
import { lookAround, prepare, type PageState } from './browser-page.ts';

/** What an admin page comes to in a real browser. */
export interface Visit extends PageState {
  /** What the page complained about, the first complaints first. */
  errors: string[];
  /** Hosts that the browser could not reach from here. */
  unreachable: string[];
}

/** Where browsers are that speak the DevTools protocol; `CHROMIUM_PATH` goes first. */
const usualPlaces = (env: NodeJS.ProcessEnv): string[] => [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/microsoft-edge',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ...[env['ProgramFiles'], env['ProgramFiles(x86)'], env['LocalAppData']].flatMap((folder) =>
    folder === undefined
      ? []
      : ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'].map((file) =>
          path.join(folder, file),
        ),
  ),
];

/** @returns the path of an installed browser; undefined if there is none in the usual places */
export const findBrowser = (env: NodeJS.ProcessEnv = process.env): string | undefined =>
  [env['CHROMIUM_PATH'] ?? '', ...usualPlaces(env)].find((file) => file !== '' && existsSync(file));

const flags = [
  '--remote-debugging-pipe',
  '--headless=new',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-sync',
  '--disable-quic',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--mute-audio',
  '--password-store=basic',
  '--use-mock-keychain',
  // Its sandbox refuses to run as root.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/**
 * Opens a page in a browser with a profile of its own, waits until its CMS shows a login, and presses the Login button. The popup is
 * not opened: the page only learns that it was.
 *
 * @param timeoutMs for all of it
 * @throws Error in words if the browser does not start
 */
export async function visit(browser: string, url: URL, timeoutMs = 30_000): Promise<Visit> {
  const end = Date.now() + timeoutMs;
  const profile = await mkdtemp(path.join(tmpdir(), 'cms-auth-doctor-'));
  const gate = await startGate(url);
  const child = spawn(
    browser,
    [
      ...flags,
      `--user-data-dir=${profile}`,
      `--proxy-server=http://127.0.0.1:${gate.port}`,
      // Otherwise it goes to this computer's own addresses past the gate.
      '--proxy-bypass-list=<-loopback>',
      'about:blank',
    ],
    // In a group of its own, so that its helpers end with it.
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' },
  );
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', () => reject(new Error(`${browser} does not start.`)));
    child.once('exit', () => reject(new Error(`${browser} ended by itself.`)));
  });
  failed.catch(() => {});
  try {
    const devTools = new DevTools(child.stdio[3] as Writable, child.stdio[4] as Readable);
    return await Promise.race([look(devTools, url, end, gate), failed]);
  } finally {
    try {
      if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    await exited;
    gate.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function look(devTools: DevTools, url: URL, end: number, gate: Gate): Promise<Visit> {
  const errors: string[] = [];
  let state: PageState = {};
  const within = async <T>(answer: Promise<T>): Promise<T | undefined> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.max(0, end - Date.now()));
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  };
  const { targetId } = (await within(devTools.send('Target.createTarget', { url: 'about:blank' }))) ?? {};
  const { sessionId } = (await within(devTools.send('Target.attachToTarget', { targetId, flatten: true }))) ?? {};
  if (typeof sessionId !== 'string') throw new Error('The browser does not answer.');
  const tell = (method: string, parameters: object = {}) => within(devTools.send(method, parameters, sessionId));
  devTools.onEvent = (method, parameters) => {
    const text = complaintOf(method, parameters);
    if (text !== undefined && errors.length < mostErrors) errors.push(text.slice(0, longestError));
    if (method === 'Network.requestWillBeSent') gate.announce((parameters['request'] as { url: string }).url);
    if (method === 'Page.javascriptDialogOpening')
      void devTools.send('Page.handleJavaScriptDialog', { accept: false }, sessionId);
  };
  await within(devTools.send('Browser.setDownloadBehavior', { behavior: 'deny' }));
  for (const domain of ['Page', 'Runtime', 'Network']) await tell(`${domain}.enable`);
  await tell('Network.setBypassServiceWorker', { bypass: true });
  await tell('Page.addScriptToEvaluateOnNewDocument', { source: `(${prepare.toString()})()` });
  void tell('Page.navigate', { url: url.href });
  for (let rounds = 0; Date.now() < end; rounds++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const expression = `JSON.stringify((${lookAround.toString()})(${rounds}))`;
    const { result } = (await tell('Runtime.evaluate', { expression, returnByValue: true })) ?? {};
    const text = (result as { value?: unknown } | undefined)?.value;
    if (typeof text === 'string' && text.length < longestState)
      state = { ...state, ...(JSON.parse(text) as PageState) };
    if (state.popup !== undefined || (state.config && state.hasLogin && !state.mayPress)) break;
  }
  return { ...state, errors, unreachable: [...gate.unreachable] };
}

const mostErrors = 20;
const longestError = 500;
const longestState = 1_000_000;

type Answer = Record<string, unknown>;

/** What an event says that went wrong in the page. */
function complaintOf(method: string, parameters: Answer): string | undefined {
  if (method === 'Runtime.exceptionThrown') {
    const { text = '', exception } = (parameters['exceptionDetails'] ?? {}) as {
      text?: string;
      exception?: { description?: string };
    };
    return (exception?.description ?? text).split('\n', 1)[0];
  }
  if (method !== 'Runtime.consoleAPICalled' || parameters['type'] !== 'error') return undefined;
  const [first] = parameters['args'] as { value?: unknown; description?: string }[];
  return String(first?.value ?? first?.description ?? '').split('\n', 1)[0];
}

/**
 * As much of the DevTools protocol as is needed, over the browser's pipe: no port is opened that other programs could use.
 *
 * @see the Chrome DevTools Protocol: Target, Page, Runtime, Network
 */
class DevTools {
  onEvent: (method: string, parameters: Answer) => void = () => {};
  readonly #to: Writable;
  readonly #open = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #last = 0;

  constructor(to: Writable, from: Readable) {
    this.#to = to;
    to.on('error', () => {});
    from.on('error', () => {});
    let rest = '';
    from.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#receive(message);
    });
  }

  send(method: string, parameters: object = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.#last;
    const answer = new Promise<Answer>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    answer.catch(() => {});
    this.#to.write(`${JSON.stringify({ id, method, params: parameters, ...(sessionId && { sessionId }) })}\0`);
    return answer;
  }

  #receive(message: string): void {
    const { id, method, params, result, error } = JSON.parse(message) as {
      id?: number;
      method?: string;
      params?: Answer;
      result?: Answer;
      error?: { message: string };
    };
    if (method !== undefined) return this.onEvent(method, params ?? {});
    const waiting = this.#open.get(id ?? 0);
    this.#open.delete(id ?? 0);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result ?? {});
  }
}
