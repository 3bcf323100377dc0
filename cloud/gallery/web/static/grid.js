// The captures by day, the newest first: page after page while somebody scrolls, and new ones in their place.
// Events: "open" (detail: the key of a capture that was clicked) and "change" (captures came or went).

import { requestJson } from "/static/api.js";
import { byId, delay, element } from "/static/dom.js";
import { text } from "/static/text.js";
import { addCameraOf, dayOf, filters, serverQuery, showFilters } from "./overview/filters.js";
import { countPoor, markPoor, offerPoor } from "./poor.js";

const RETRY_MS = 5000;
const LOOKAHEAD_PIXELS = 800;

export const keyQuery = (key) => new URLSearchParams({ key });

export function showProblem(message) {
  byId("problem").hidden = !message;
  byId("problem").textContent = message;
}

export class Grid extends EventTarget {
  constructor() {
    super();
    this.captures = []; // in the order of the page
    this.keys = new Set();
    this.cursor = null;
    this.atEnd = false;
    this.loading = false;
    this.generation = 0; // grows with each fresh start, so that late answers are dropped
    this.shownFilters = null;
  }

  followScrolling() {
    new IntersectionObserver(() => this.loadMore(), { rootMargin: `${LOOKAHEAD_PIXELS}px` }).observe(byId("sentinel"));
    offerPoor();
    addEventListener("scroll", () => nearEnd() && this.loadMore(), { passive: true });
  }

  async restart() {
    this.generation += 1;
    this.shownFilters = String(filters());
    this.captures.length = 0;
    this.keys.clear();
    this.cursor = null;
    this.atEnd = this.loading = false;
    byId("days").replaceChildren();
    byId("end").textContent = byId("note").textContent = "";
    showFilters();
    await this.loadMore();
  }

  // After Back or Forward: only other filters need another grid.
  restartIfFiltersChanged() {
    if (String(filters()) !== this.shownFilters) this.restart();
  }

  async loadMore() {
    if (this.loading || this.atEnd) return;
    this.loading = true;
    const generation = this.generation;
    const query = serverQuery();
    if (this.cursor) query.set("cursor", this.cursor);
    try {
      const page = await requestJson(`/api/captures?${query}`);
      if (generation === this.generation) this.showPage(page);
      markPoor(query, tileOf);
    } catch (error) {
      if (generation !== this.generation) return;
      showProblem(error.message);
      await delay(RETRY_MS);
    } finally {
      if (generation === this.generation) this.loading = false;
    }
    if (generation === this.generation && nearEnd()) this.loadMore();
  }

  showPage(page) {
    showProblem("");
    if (page.note) byId("note").textContent = page.note; // an earlier page's note still holds
    byId("note").hidden = !byId("note").textContent;
    for (const capture of page.captures) this.append(capture);
    this.cursor = page.cursor;
    this.atEnd = !page.cursor;
    if (this.atEnd) byId("end").textContent = this.endText();
  }

  endText() {
    if (this.captures.length) return text("endOfList");
    return text(filters().size ? "noMatch" : "noCaptures");
  }

  append(capture) {
    this.insert(capture, this.captures.length, false);
  }

  // A capture that was stored just now; its time says where it belongs.
  addNew(capture) {
    const place = this.captures.findIndex((other) => sortKey(other) < sortKey(capture));
    this.insert(capture, place < 0 ? this.captures.length : place, true);
    markPoor(keyQuery(capture.key), tileOf);
    if (this.atEnd) byId("end").textContent = this.endText();
  }

  insert(capture, place, isNew) {
    if (this.keys.has(capture.key)) return;
    this.keys.add(capture.key);
    addCameraOf(capture);
    const grid = daySection(capture).querySelector(".grid");
    const next = this.captures[place] && document.getElementById(tileId(this.captures[place]));
    grid.insertBefore(this.tile(capture, isNew), next?.parentElement === grid ? next : null);
    this.captures.splice(place, 0, capture);
    this.dispatchEvent(new Event("change"));
  }

  remove(key) {
    const place = this.indexOf(key);
    if (place < 0) return;
    const tile = document.getElementById(tileId(this.captures[place]));
    const section = tile?.closest(".day");
    tile?.remove();
    if (section && !section.querySelector("li")) section.remove();
    this.captures.splice(place, 1);
    this.keys.delete(key);
    countPoor();
  }

  indexOf(key) {
    return this.captures.findIndex((capture) => capture.key === key);
  }

  // Adds what was stored while no events came; starts over if that may be more than a page.
  async catchUp() {
    if (this.loading || !this.captures.length) return;
    try {
      const page = await requestJson(`/api/captures?${serverQuery()}`);
      const missed = page.captures.filter((capture) => sortKey(capture) > sortKey(this.captures[0]));
      if (missed.length && missed.length === page.captures.length) this.restart();
      else for (const capture of missed.reverse()) this.addNew(capture);
    } catch {
      // the next page says what is wrong
    }
  }

  tile(capture, isNew) {
    const image = element("img", { src: `/thumbnail?${keyQuery(capture.key)}`, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => image.classList.add("broken"));
    const time = new Date(capture.at).toLocaleTimeString();
    const camera = [capture.edge, capture.camera].filter(Boolean).join(" / ");
    const caption = element("span", { className: "caption" }, element("b", { textContent: time }), camera);
    const properties = { type: "button", className: isNew ? "tile new" : "tile", title: capture.key, ariaLabel: `${camera}, ${time}` };
    const button = element("button", properties, image, caption);
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("open", { detail: capture.key })));
    return element("li", { id: tileId(capture) }, button);
  }
}

const nearEnd = () => byId("sentinel").getBoundingClientRect().top < innerHeight + LOOKAHEAD_PIXELS;
const sortKey = (capture) => capture.at + capture.key;
const tileId = (capture) => `capture ${capture.key}`;
const tileOf = (key) => document.getElementById(tileId({ key }));

function daySection(capture) {
  const id = `day ${dayOf(capture)}`;
  const present = document.getElementById(id);
  if (present) return present;
  const format = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
  const title = element("h2", { textContent: new Date(capture.at).toLocaleDateString(undefined, format) });
  const section = element("section", { className: "day", id }, title, element("ol", { className: "grid" }));
  const older = [...byId("days").children].find((other) => other.id < id);
  byId("days").insertBefore(section, older ?? null);
  return section;
}
