/** What a page says of itself, as JSON has it. Nothing in it is to be trusted. */
export interface PageState {
  /** The configuration that the CMS has in the end: texts, numbers and groups; a list only says that it is one. */
  config?: Record<string, unknown>;
  /** Whether that is Sveltia CMS's; if not, Decap's or Netlify's. */
  isSveltia?: boolean;
  /** Whether there is something to log in with. */
  hasLogin?: boolean;
  /** Whether it may be pressed: what logs in within the page would go away with it. */
  mayPress?: boolean;
  /** The address that the Login button opens. */
  popup?: string;
  /** What stands in the page. */
  text?: string;
}

// Both functions run in the page: they may use nothing from this file, and nothing in the page is as it should be.

/** Before the page's own scripts. A popup is noted, and not opened. */
export function prepare(): void {
  const page = globalThis as unknown as Record<string, unknown>;
  const notes: { config?: unknown; popup?: string } = {};
  Object.defineProperty(page, '__cmsAuthDoctor', { value: notes });
  const closed = { closed: false, close: () => {}, focus: () => {}, postMessage: () => {} };
  page['open'] = (address: unknown) => {
    notes.popup ??= String(address);
    return closed;
  };
  // Sveltia CMS says what it has in the end.
  const { debug } = console;
  console.debug = (...args: unknown[]) => {
    if (args[0] === 'CMS configuration:') notes.config = args[1];
    debug.apply(console, args);
  };
}

/** @param round how often it was asked already: the button is pressed once */
export function lookAround(round: number): PageState {
  const page = globalThis as unknown as Record<string, any>;
  const document = page['document'];
  const notes = page['__cmsAuthDoctor'] ?? {};
  const keyOf = (node: any, start: string) => Object.keys(node).find((key) => key.startsWith(start));

  /** Decap and Netlify CMS keep it in the store that they hand to React. */
  const fromReact = (): any => {
    const root = document.getElementById('nc-root');
    if (!root) return undefined;
    const top = root._reactRootContainer?._internalRoot?.current ?? root[keyOf(root, '__reactContainer') ?? ''];
    const open = [top];
    for (let steps = 0; open.length > 0 && steps < 500; steps++) {
      const fiber = open.pop();
      if (!fiber) continue;
      const store = fiber.memoizedProps?.store;
      if (typeof store?.getState === 'function') return store.getState().config;
      open.push(fiber.sibling, fiber.child);
    }
    return undefined;
  };

  /** As much as counts, and no list without end. */
  const plain = (value: any, depth = 0): unknown => {
    const raw = typeof value?.toJS === 'function' ? value.toJS() : value;
    if (Array.isArray(raw)) return raw.slice(0, 1).map(() => null);
    if (typeof raw === 'string') return raw.slice(0, 4096);
    if (typeof raw !== 'object' || raw === null) return ['number', 'boolean'].includes(typeof raw) ? raw : null;
    if (depth > 3) return {};
    return Object.fromEntries(
      Object.entries(raw)
        .slice(0, 200)
        .filter(([, one]) => one !== undefined && typeof one !== 'function')
        .map(([key, one]) => [key, plain(one, depth + 1)]),
    );
  };

  const found = notes.config ?? fromReact();
  const config = (found === undefined || found === null ? undefined : plain(found)) as Record<string, any> | undefined;
  const isRead = config?.['backend'] !== undefined && config['error'] === undefined;
  const buttons: any[] = [...document.querySelectorAll('button, [role="button"]')].filter(
    (button) => button.getClientRects().length > 0,
  );
  const [host = ''] = String(config?.['backend']?.name ?? 'login').split('-');
  const wanted = new RegExp(`${host.replace(/\W/g, '')}|log ?in|sign ?in`, 'i');
  const login =
    buttons.find((button) => wanted.test(button.innerText)) ?? (buttons.length === 1 ? buttons[0] : undefined);
  const isPopup = !['pkce', 'implicit'].includes(config?.['backend']?.auth_type) && !['test', 'git'].includes(host);
  const mayPress = isRead && isPopup && round < 60;
  if (isRead && login && mayPress && notes.popup === undefined && !notes.isPressed) {
    notes.isPressed = true;
    login.click();
  }
  return {
    ...(isRead && { config: config as Record<string, unknown> }),
    hasLogin: isRead && login !== undefined,
    mayPress,
    ...(isRead && { isSveltia: notes.config !== undefined }),
    ...(notes.popup !== undefined && { popup: String(notes.popup).slice(0, 4096) }),
    text: String(document.body?.innerText ?? '').slice(0, 2000),
  };
}
