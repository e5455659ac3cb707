/** WebKit, Safari's engine, as Debian has it: WebKitGTK's own browser and driver, on a screen that nobody sees. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Builder, By, Capabilities, error, type WebDriver, type WebElement } from 'selenium-webdriver';
import { timeoutMs, type Engine, type Tab } from './engine.ts';
import { freePort } from '../hosts/port.ts';

const driverPath = '/usr/bin/WebKitWebDriver';
const screenPath = '/usr/bin/Xvfb';

export const webkit: Engine = {
  missing:
    existsSync(driverPath) && existsSync(screenPath)
      ? undefined
      : 'it needs Linux, and "apt-get install webkit2gtk-driver xvfb".',
  hearsErrors: false,
  async launch({ strict = false } = {}) {
    const { screen, display } = await startScreen();
    const args = ['--automation', ...(strict ? ['--enable-itp', '--cookies-policy=no-third-party'] : [])];
    const wanted = new Capabilities({
      browserName: 'MiniBrowser',
      acceptInsecureCerts: true,
      'webkitgtk:browserOptions': { args },
    });
    return {
      async visitor() {
        const { session, end } = await startSession(display, wanted);
        const inTurn = queue();
        let fresh = true;
        return {
          errors: [],
          open: (url) =>
            inTurn(async () => {
              // A session comes with a window. Windows and not tabs: what is clicked in a tab behind others never happens.
              if (fresh) fresh = false;
              else await switchToNewWindow(session);
              await session.get(url);
              return tab(session, await session.getWindowHandle(), inTurn);
            }),
          leave: () => inTurn(() => session.quit()).finally(end),
        };
      },
      close: () => stop(screen),
    };
  },
};

/** Now and then the driver says that it has gone over and has not: then a popup would be led away from its login. */
async function switchToNewWindow(session: WebDriver): Promise<void> {
  const before = await session.getAllWindowHandles();
  await session.switchTo().newWindow('window');
  for (const end = Date.now() + timeoutMs; ; await pause(50)) {
    if (!before.includes(await session.getWindowHandle())) return;
    const opened = (await session.getAllWindowHandles()).find((handle) => !before.includes(handle));
    if (opened !== undefined) await session.switchTo().window(opened);
    if (Date.now() > end) throw new Error('WebKit opens no window.');
  }
}

type InTurn = <T>(action: () => Promise<T>) => Promise<T>;

/** A driver has one window that all commands go to, so that whoever changes it has to be alone until done. */
function queue(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (action) => {
    const next = last.then(action, action);
    last = next.catch(() => {});
    return next;
  };
}

function tab(session: WebDriver, handle: string, inTurn: InTurn): Tab {
  const inside = <T>(action: () => Promise<T>) =>
    inTurn(async () => {
      await session.switchTo().window(handle);
      return action();
    });

  /** Tries again while the page is on its way to being what is waited for. */
  async function waitFor<T>(element: string, action: (target: WebElement) => Promise<T>): Promise<T> {
    for (const end = Date.now() + timeoutMs; ; await pause(100))
      try {
        return await inside(async () => action(await session.findElement(By.xpath(element))));
      } catch (reason) {
        const mayPass =
          reason instanceof error.NoSuchElementError ||
          reason instanceof error.StaleElementReferenceError ||
          reason instanceof error.ElementNotInteractableError ||
          reason instanceof error.ElementClickInterceptedError;
        if (!mayPass || Date.now() > end)
          throw new Error(`${element} at ${await inside(() => session.getCurrentUrl())}`, { cause: reason });
      }
  }

  /** The CMS closes the popup, perhaps before the driver has told that it clicked there. */
  const click = (element: string) =>
    waitFor(element, (target) =>
      target.click().catch((reason: unknown) => {
        if (!(reason instanceof error.NoSuchWindowError)) throw reason;
      }),
    );

  return {
    click,
    async popup(element) {
      const before = await inTurn(() => session.getAllWindowHandles());
      await click(element);
      for (const end = Date.now() + timeoutMs; Date.now() < end; await pause(50)) {
        const after = await inTurn(() => session.getAllWindowHandles());
        const opened = after.find((other) => !before.includes(other));
        if (opened !== undefined) return tab(session, opened, inTurn);
      }
      throw new Error(`No window was opened by ${element}`);
    },
    text: (element) => waitFor(element, (target) => target.getText()),
    count: (element) => inside(async () => (await session.findElements(By.xpath(element))).length),
    run: <T>(expression: string) => inside(() => session.executeScript<T>(`return (${expression})`)),
    async closed() {
      for (const end = Date.now() + timeoutMs; Date.now() < end; await pause(100)) {
        if (!(await inTurn(() => session.getAllWindowHandles())).includes(handle)) return;
      }
      throw new Error(`Still open: ${await inside(() => session.findElement(By.css('body')).getText())}`);
    },
  };
}

/** It chooses a number that is free and tells which. */
async function startScreen() {
  const screen = spawn(screenPath, ['-displayfd', '3', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = (await once(screen.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { screen, display: `:${number.toString().trim()}` };
}

/**
 * Each visitor has a driver of their own. Now and then WebKitGTK's browser starts and never speaks to its driver; then both are
 * ended, and others are started.
 */
async function startSession(display: string, wanted: Capabilities): Promise<{ session: WebDriver; end: () => void }> {
  for (let tries = 1; ; tries++) {
    const { driver, address } = await startDriver(display);
    // With the browser, which is in its group.
    const end = () => void process.kill(-(driver.pid ?? NaN), 'SIGKILL');
    const late = pause(30_000, undefined, { ref: false }).then(() => {
      throw new Error('WebKit’s browser does not start.');
    });
    try {
      const started = new Builder().usingServer(address).withCapabilities(wanted).build();
      return { session: await Promise.race([started, late]), end };
    } catch (reason) {
      end();
      if (tries === 3) throw reason;
    }
  }
}

async function startDriver(display: string) {
  const port = await freePort();
  const driver = spawn(driverPath, [`--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display },
    detached: true, // in a group of its own
  });
  const address = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + timeoutMs; ; await pause(100))
    try {
      await fetch(`${address}/status`);
      return { driver, address };
    } catch (reason) {
      if (Date.now() > end) throw reason;
    }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
