/** What an editor does in Sveltia CMS besides logging in: writing, uploading, and the editorial workflow. */
import type { Page } from 'playwright-core';

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const dialogButton = (page: Page, name: string | RegExp) =>
  page.getByRole('dialog').or(page.getByRole('alertdialog')).getByRole('button', { name, exact: true });
const row = (page: Page, title: string) => page.getByRole('row', { name: title, exact: true });
const goTo = (page: Page, place: 'Contents' | 'Assets' | 'Editorial Workflow') =>
  page.getByRole('radio', { name: place }).click();

async function compose(page: Page, title: string) {
  await button(page, 'Create New Entry').click();
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await button(page, 'Now').click();
  await page.getByRole('group', { name: /Body/ }).locator('[contenteditable="true"]').first().click();
  await page.keyboard.type('Some text.');
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
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await button(page, 'Save').click();
  await dialogButton(page, 'Later').click();
  await row(page, title).waitFor();
}

export async function setStatus(page: Page, status: 'Draft' | 'In Review' | 'Ready') {
  await page.getByRole('button', { name: /^Status/ }).click();
  await page.getByRole('menuitemradio', { name: status }).click();
  await page.getByRole('button', { name: `Status: \u2068${status}\u2069` }).waitFor();
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
