// Puts a page's texts in their places. They are all in the page's own texts.js; a translation is a copy of that file.

import { TEXTS } from "/page/texts.js";

// The text of this name, with values in the places of {their names}; what has no text is shown as it is.
export function text(name, values = {}) {
  return (TEXTS[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Elements say which text they have: data-text for what they hold, data-label for what a screen reader says.
export function fillTexts(root) {
  for (const found of root.querySelectorAll("[data-text]")) found.prepend(text(found.dataset.text));
  for (const found of root.querySelectorAll("[data-label]")) found.ariaLabel = text(found.dataset.label);
}
