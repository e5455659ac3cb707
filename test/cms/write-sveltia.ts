/** What an editor does in Sveltia CMS besides logging in: writing, uploading, and the editorial workflow. */
import type { Page } from 'playwright-core';
import { vi } from 'vitest';

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const dialogButton = (page: Page, name: string | RegExp) =>
  page.getByRole('dialog').or(page.getByRole('alertdialog')).getByRole('button', { name, exact: true });
const row = (page: Page, title: string) => page.getByRole('row', { name: title, exact: true });
const goTo = (page: Page, place: 'Contents' | 'Assets' | 'Editorial Workflow') =>
  page.getByRole('radio', { name: place }).click();

/**
 * Before the CMS is loaded. It keeps what is being written, and on a slow machine offers an entry that was published a moment ago as
 * a draft: editors can switch that off, and so it is here.
 */
export const keepNoBackups = (page: Page) =>
  page.addInitScript(() => localStorage.setItem('sveltia-cms.prefs', JSON.stringify({ useDraftBackup: false })));

/**
 * Types until the CMS has it, which its preview shows: the editor may draw itself anew after a first reading, and takes a moment to
 * take in what is typed. Saved before that, a field counts as empty.
 */
async function enter(page: Page, text: string, type: () => Promise<unknown>) {
  const preview = page.getByRole('document', { name: 'Content Preview' }).getByText(text, { exact: true });
  await vi.waitFor(
    async () => {
      await type();
      await preview.waitFor({ timeout: 2_000 });
    },
    { timeout: 30_000 },
  );
}

export const enterTitle = (page: Page, title: string) =>
  enter(page, title, () => page.getByRole('textbox', { name: 'Title' }).fill(title));

async function compose(page: Page, title: string) {
  await button(page, 'Create New Entry').click();
  const body = page.getByRole('group', { name: /Body/ }).locator('[contenteditable="true"]').first();
  await enter(page, 'Some text.', () => body.fill('Some text.'));
  await button(page, 'Now').click();
  await enterTitle(page, title);
}

/** From the list and back to it. */
export async function publishNew(page: Page, title: string) {
  await compose(page, title);
  await button(page, 'Save').click();
  await row(page, title).waitFor();
}

export async function deletePublished(page: Page, title: string) {
  await goTo(page, 'Contents');
  await row(page, title).getByRole('checkbox').click();
  await page.getByRole('button', { name: /^Delete Selected Entr/ }).click();
  await dialogButton(page, 'Delete').click();
  await row(page, title).waitFor({ state: 'detached' });
}

export async function upload(page: Page, name: string, content: Buffer) {
  await goTo(page, 'Assets');
  await page.getByRole('button', { name: 'Upload New Assets' }).first().click();
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page
      .getByRole('dialog')
      .getByRole('button', { name: /Choose|Browse|Select/ })
      .click(),
  ]);
  await chooser.setFiles({ name, mimeType: 'image/png', buffer: content });
  await dialogButton(page, 'Upload').click();
  await page.getByRole('row', { name }).or(page.getByRole('option', { name })).first().waitFor();
}

/** With the editorial workflow: a draft. The CMS then asks whether it is to be reviewed, and here it is not yet. */
export async function draftNew(page: Page, title: string) {
  await compose(page, title);
  await button(page, 'Save').click();
  await dialogButton(page, 'Later').click();
  await row(page, title).waitFor();
}

/** From anywhere to the draft in its editor. */
export async function openDraft(page: Page, title: string) {
  await goTo(page, 'Editorial Workflow');
  await page.getByRole('listitem').filter({ hasText: title }).getByRole('button', { name: title }).click();
  await page.getByRole('textbox', { name: 'Title' }).waitFor();
}

export async function editDraft(page: Page, title: string) {
  await enterTitle(page, title);
  await button(page, 'Save').click();
  await dialogButton(page, 'Later').click();
  await row(page, title).waitFor();
}

export async function setStatus(page: Page, status: 'Draft' | 'In Review' | 'Ready') {
  const shown = page.getByRole('button', { name: `Status: \u2068${status}\u2069` });
  await page.getByRole('button', { name: /^Status/ }).click();
  // A menu hears nothing for the first 100 ms; its items get an id when it does.
  await page.getByRole('menuitemradio', { name: status }).and(page.locator('[id]')).click();
  await shown.waitFor();
}

export async function publishDraft(page: Page, title: string) {
  await button(page, 'Publish Entry').click();
  await dialogButton(page, 'Publish').click();
  await row(page, title).waitFor();
}

export async function throwAway(page: Page, title: string) {
  await goTo(page, 'Editorial Workflow');
  const card = page.getByRole('listitem').filter({ hasText: title });
  await card.getByRole('button', { name: 'Delete Entry' }).click();
  await dialogButton(page, /^(Delete|Discard)/).click();
  await card.waitFor({ state: 'detached' });
}
