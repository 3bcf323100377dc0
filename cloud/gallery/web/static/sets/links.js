// What is said about a link, and how it gets into the clipboard.

import { copySelected } from "/static/clipboard.js";
import { fullTime, text } from "/static/text.js";

export function linkText({ expires_at: expiresAt, note }, name) {
  const sentence = text(name, { time: fullTime(expiresAt) });
  return note ? text("linkNote", { text: sentence, note }) : sentence;
}

export function copyFrom(field, button) {
  field.select();
  return copySelected(field.value, button, text("copied"), text("copy"));
}
