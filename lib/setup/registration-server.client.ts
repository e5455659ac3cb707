/** The script of the pages that follow a registration (`registration-server.ts`): shows what becomes of it, also when the command has ended. */

// The code in the address is spent, and nobody should have it in the history.
history.replaceState(undefined, '', '/');

async function follow(): Promise<void> {
  for (;;) {
    const main = document.querySelector('main');
    const stage = main?.dataset['stage'] ?? '';
    if (!main || stage === 'done' || stage === 'failed') return;
    try {
      const response = await fetch(`/news?seen=${stage}`);
      const text = await response.text();
      if (!response.ok) return;
      if (text !== '') main.outerHTML = text;
    } catch {
      return; // the command was stopped
    }
  }
}

void follow();
