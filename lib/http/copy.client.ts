/** The script of pages with something to copy (`copy.ts`). */

for (const box of document.querySelectorAll('.copy')) {
  const button = box.querySelector('button');
  if (!button) continue;
  button.hidden = false;
  button.onclick = async () => {
    await navigator.clipboard.writeText(box.querySelector('pre')?.textContent ?? '');
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 2_000);
  };
}
