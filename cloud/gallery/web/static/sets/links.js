// What is said about a link, and how it gets into the clipboard.

import { delay } from "/static/dom.js";
import { fullTime, text } from "/static/text.js";

const COPIED_MS = 1500;

export function linkText({ expires_at: expiresAt, note }, name) {
  const sentence = text(name, { time: fullTime(expiresAt) });
  return note ? text("linkNote", { text: sentence, note }) : sentence;
}

export async function copyFrom(field, button) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // without TLS there is no clipboard to write to
  }
  button.textContent = text("copied");
  await delay(COPIED_MS);
  button.textContent = text("copy");
}
