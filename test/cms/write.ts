/** What an editor does in Decap and Netlify CMS besides logging in: writing, uploading, and the editorial workflow. */
import type { Page } from 'playwright-core';

const shown = { timeout: 45_000 };

const newPost = (page: Page) => page.locator('main a[href="#/collections/posts/new"]');

/** From anywhere: writes a post and leaves it unsaved. */
async function compose(page: Page, title: string) {
  await goTo(page, '#/collections/posts');
  await newPost(page).click();
  await page.locator('input[id^="title-field"]').fill(title);
  await page.getByRole('button', { name: 'Now' }).click();
  await page.locator('[data-slate-editor]').first().click();
  await page.keyboard.type('Some text.');
  await page.getByText('Unsaved changes').waitFor(shown);
  // The editor hands over what was typed only when nothing has been for a moment, and nothing on the page shows it.
  await page.waitForTimeout(500);
}

async function goTo(page: Page, hash: string) {
  await page.evaluate((to) => void (location.hash = to), hash);
}

export async function openEntry(page: Page, slug: string) {
  await goTo(page, '#/collections/posts');
  await newPost(page).waitFor(shown);
  await goTo(page, `#/collections/posts/entries/${slug}`);
}

/** Without the editorial workflow: what is saved is published. */
export async function publishNew(page: Page, title: string) {
  await compose(page, title);
  await publish(page);
  await saved(page);
}

export async function editPublished(page: Page, slug: string, title: string) {
  await openEntry(page, slug);
  await page.locator('input[id^="title-field"]').fill(title);
  await page.getByText('Unsaved changes').waitFor(shown);
  await publish(page);
  await saved(page);
}

export async function deletePublished(page: Page, slug: string) {
  await openEntry(page, slug);
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: 'Delete entry' }).click();
  await page.locator('input[id^="title-field"]').waitFor({ state: 'hidden', ...shown });
}

async function publish(page: Page) {
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Publish now' }).click();
}

/** The toolbar says so; the toasts of what was done before may still be there. */
async function saved(page: Page) {
  await page.getByText('Changes saved').waitFor(shown);
  // A new entry gets its address later than that, and the page would go there from wherever it is by then.
  await page.waitForURL(/#\/collections\/posts\/entries\//, shown);
}

/** Into the media library. */
export async function upload(page: Page, name: string, content: Buffer) {
  await goTo(page, '#/collections/posts');
  await page.getByRole('button', { name: 'Media' }).click();
  await page.locator('input[type="file"]').setInputFiles({ name, mimeType: 'image/png', buffer: content });
  await page.getByText(name).waitFor(shown);
  // In Netlify CMS, the button has no name.
  const close = page.getByRole('button', { name: 'Close' });
  if ((await close.count()) > 0) await close.click();
  else await page.keyboard.press('Escape');
}

/** With the editorial workflow: a draft. */
export async function draftNew(page: Page, title: string) {
  await compose(page, title);
  await save(page);
}

export async function editDraft(page: Page, slug: string, title: string) {
  await openEntry(page, slug);
  await page.locator('input[id^="title-field"]').fill(title);
  await page.getByText('Unsaved changes').waitFor(shown);
  await save(page);
}

async function save(page: Page) {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await saved(page);
}

export async function setReady(page: Page) {
  await page.getByRole('button', { name: 'Draft' }).click();
  await page.getByRole('menuitem', { name: 'Ready' }).click();
  await page.getByText('Entry status updated').waitFor(shown);
}

export async function publishDraft(page: Page) {
  page.once('dialog', (dialog) => void dialog.accept());
  await publish(page);
  await page.getByText('Entry published').waitFor(shown);
}

export async function throwAway(page: Page) {
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: /^Delete unpublished/ }).click();
  await page.getByText('Unpublished changes deleted').waitFor(shown);
}
