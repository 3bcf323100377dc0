// Small things that every module needs.

export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Rows of a <dl>; those without a value are left out.
export function definitions(facts) {
  return facts.filter(([, value]) => value).flatMap(([name, value]) =>
    [element("dt", { textContent: name }), element("dd", { textContent: value })]);
}

export const delay = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Resolves at once while somebody sees the page, else as soon as somebody does.
export function pageVisible() {
  return new Promise((done) => {
    if (!document.hidden) return done();
    document.addEventListener("visibilitychange", () => done(), { once: true });
  });
}
