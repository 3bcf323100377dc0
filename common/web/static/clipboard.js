// How something gets into the clipboard, and how that is said.

import { delay } from "/static/dom.js";

const COPIED_MS = 1500;

// Copies what is selected already, and for a moment the button says so.
export async function copySelected(content, button, copied, usual) {
  try {
    await navigator.clipboard.writeText(content);
  } catch {
    document.execCommand("copy"); // without TLS there is no clipboard to write to
  }
  button.textContent = copied;
  await delay(COPIED_MS);
  button.textContent = usual;
}
