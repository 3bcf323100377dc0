// Puts a page's texts in their places. The English ones are in the page's texts.js, a translation next to it (texts.de.js);
// the server says which there are.
// Which language: the first of the browser's that there is, and its way to write dates and numbers.

import { LANGUAGES } from "/page/languages.js";
import { TEXTS as ENGLISH } from "/page/texts.js";

const primary = (tag) => tag.toLowerCase().split("-")[0];

export const locale = navigator.languages.find((tag) => ["en", ...LANGUAGES].includes(primary(tag))) ?? "en";
export const language = primary(locale);
const TEXTS = language === "en" ? ENGLISH : { ...ENGLISH, ...(await import(`/page/texts.${language}.js`)).TEXTS };

// The text of this name, with values in the places of {their names}; what has no text is shown as it is.
export function text(name, values = {}) {
  return (TEXTS[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// One text for one, another for any other number of things.
export const counted = (one, many, number) => text(number === 1 ? one : many, { number: number.toLocaleString(locale) });

// Elements say which text they have: data-text for what they hold, data-label for what a screen reader says.
export function fillTexts(root) {
  if (root === document) document.documentElement.lang = language;
  for (const found of root.querySelectorAll("[data-text]")) found.prepend(text(found.dataset.text));
  for (const found of root.querySelectorAll("[data-label]")) found.ariaLabel = text(found.dataset.label);
}

export const clock = (at) => new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
export const exactClock = (at) => new Date(at).toLocaleTimeString(locale);
export const dayName = (at) => new Date(at).toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long" });
export const fullDay = (at) => new Date(at).toLocaleDateString(locale, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
export const fullTime = (at) => new Date(at).toLocaleString(locale, { dateStyle: "full", timeStyle: "medium" });
