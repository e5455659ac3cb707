/** What an editor does in each CMS, for tests with a real browser. Every step ends when its effect can be seen. */
import type { Locator, Page } from 'playwright-core';
import type { CmsName } from './bundles.ts';
import { enterTitle } from './write-sveltia.ts';

export interface Driver {
  /** Presses the CMS's login button; the page returned is the popup. */
  openLogin(page: Page): Promise<Page>;
  /** Waits until the list of posts is there. */
  loggedIn(page: Page): Promise<void>;
  /** The titles in the list. */
  entries(page: Page): Promise<string[]>;
  /** Waits for an error on the CMS's login page and reads it. */
  loginMessage(page: Page): Promise<string>;
  /** From the list: opens the first post, gives it another title, saves, waits until it is saved, returns to the list. */
  editAndSave(page: Page, title: string): Promise<void>;
}

/** Netlify CMS and its successor Decap still have the same screens. */
const decap: Driver = {
  openLogin: (page) => popupOf(page, page.getByRole('button', { name: 'Login with' })),
  loggedIn: (page) => decapEntries(page).first().waitFor(),
  entries: async (page) => (await decapEntries(page).getByRole('heading').allInnerTexts()).map(tidy),
  loginMessage: async (page) => tidy(await page.locator('section:has(button) > p').innerText()),
  async editAndSave(page, title) {
    await decapEntries(page).first().click();
    await page.locator('input[id^="title-field"]').fill(title);
    // "Publish" replaces "Published" as soon as the entry has changed.
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Publish now' }).click();
    await page.getByText('Changes saved').waitFor();
    await page.getByRole('link', { name: 'Writing in Posts collection' }).click();
    // Decap never reloads the list: it shows the old title until the page is loaded again.
    await decap.loggedIn(page);
  },
};

const sveltia: Driver = {
  // Earlier versions have a second button, for a token of one's own.
  openLogin: (page) => popupOf(page, page.getByRole('button', { name: 'Sign In with' }).first()),
  loggedIn: (page) => sveltiaEntries(page).first().waitFor(),
  entries: async (page) => (await sveltiaEntries(page).locator('.title').allInnerTexts()).map(tidy),
  // The icon before the text is text as well: a ligature of the icon font.
  loginMessage: async (page) => {
    const alert = page.getByRole('alert');
    const icon = alert.locator('.icon');
    await icon.waitFor();
    return tidy((await alert.innerText()).replace(await icon.innerText(), ''));
  },
  async editAndSave(page, title) {
    await sveltiaEntries(page).first().locator('.title').click();
    await enterTitle(page, title);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    // It returns to the list by itself.
    await page.getByRole('row', { name: title, exact: true }).waitFor();
  },
};

export const drivers: Record<CmsName, Driver> = { decap, netlify: decap, sveltia };

/** Answers the demo host's consent page. */
export async function decide(popup: Page, decision: 'Allow' | 'Deny') {
  await popup.getByRole('button', { name: decision, exact: true }).click();
}

const decapEntries = (page: Page) => page.locator('main a[href*="#/collections/posts/entries/"]');

const sveltiaEntries = (page: Page) => page.getByRole('row');

async function popupOf(page: Page, button: Locator) {
  const [popup] = await Promise.all([page.waitForEvent('popup'), button.click()]);
  return popup;
}

const tidy = (text: string) => text.replace(/\s+/g, ' ').trim();
