// The visits by day, the newest first: page after page while somebody scrolls, and new ones in their place.
// Events: "open" (detail: the key of a tile that was clicked) and "change" (captures came or went).

import { request, requestJson } from "/static/api.js";
import { byId, delay, element } from "/static/dom.js";
import { fullDay, text } from "/static/text.js";
import { addCameraOf, dayOf, filters, isFiltered, serverQuery, showFilters, showsAll, showsStarred } from "../overview/filters.js";
import { countPoor, offerPoor } from "./poor.js";
import { drawSeenLine, seenUntil } from "./seen.js";
import { fillTile, keyQuery, tileItem } from "./tile.js";
import { sortKey, Visit, visitId } from "./visits.js";

const RETRY_MS = 5000;
const LOOKAHEAD_PIXELS = 800;
const FIRST_PAGE = 30; // captures; further pages are larger

export function showProblem(message) {
  byId("problem").hidden = !message;
  byId("problem").textContent = message;
  document.body.classList.toggle("broken", Boolean(message));
}

export class Grid extends EventTarget {
  constructor() {
    super();
    this.visits = []; // in the order of the page
    this.visitById = new Map();
    this.visitOfKey = new Map();
    this.withheld = new Set(); // keys that are about to be deleted
    this.cursor = null;
    this.atEnd = false;
    this.loading = false;
    this.generation = 0; // grows with each fresh start, so that late answers are dropped
    this.shownFilters = null;
  }

  followScrolling() {
    new IntersectionObserver(() => this.loadMore(), { rootMargin: `${LOOKAHEAD_PIXELS}px` }).observe(byId("sentinel"));
    addEventListener("scroll", () => nearEnd() && this.loadMore(), { passive: true });
    offerPoor();
    byId("days").addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) this.dispatchEvent(new CustomEvent("open", { detail: tile.title }));
    });
    byId("days").addEventListener("missing", ({ detail }) => this.removeIfGone(detail));
  }

  async restart() {
    this.generation += 1;
    this.shownFilters = String(filters());
    this.visits.length = 0;
    this.visitById.clear();
    this.visitOfKey.clear();
    this.cursor = null;
    this.atEnd = this.loading = false;
    byId("days").replaceChildren();
    byId("note").textContent = "";
    byId("end").textContent = text("loading");
    byId("skeleton").hidden = false;
    showFilters();
    countPoor();
    this.dispatchEvent(new Event("change"));
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
    else query.set("limit", FIRST_PAGE);
    try {
      const page = await requestJson(`/api/captures?${query}`);
      if (generation === this.generation) this.showPage(page);
    } catch (error) {
      if (generation !== this.generation) return;
      showProblem(error.message);
      byId("end").textContent = "";
      byId("skeleton").hidden = true;
      await delay(RETRY_MS);
    } finally {
      if (generation === this.generation) this.loading = false;
    }
    if (generation === this.generation && nearEnd()) this.loadMore();
  }

  showPage(page) {
    showProblem("");
    byId("skeleton").hidden = true;
    if (page.note) byId("note").textContent = page.note; // an earlier page's note still holds
    byId("note").hidden = !byId("note").textContent;
    for (const capture of page.captures) this.insert(capture, false);
    this.cursor = page.cursor;
    this.atEnd = !page.cursor;
    this.changed();
  }

  // A capture that was stored just now; its time says where it belongs.
  addNew(capture) {
    this.insert(capture, true);
    this.changed();
  }

  // Of what was deleted elsewhere, or by its age, nothing stays here.
  async removeIfGone(key) {
    const response = await request(`/image?${keyQuery(key)}`, { method: "HEAD" }).catch(() => null);
    if (response?.status !== 404 || !this.remove(key)) return;
    this.changed();
  }

  // Captures that were taken out come back.
  restore(captures) {
    for (const { key } of captures) this.withheld.delete(key);
    for (const capture of captures) this.insert(capture, false);
    this.changed();
  }

  showStars(keys, starred) {
    for (const visit of new Set(keys.map((key) => this.visitOfKey.get(key)).filter(Boolean))) {
      for (const shot of visit.shots) if (keys.includes(shot.key)) shot.starred = starred;
      fillTile(tileOf(visit), visit);
    }
  }

  // Takes captures out; they stay away until they are restored.
  take(keys) {
    const taken = keys.map((key) => this.remove(key)).filter(Boolean);
    for (const key of keys) this.withheld.add(key);
    this.changed();
    return taken;
  }

  changed() {
    countPoor();
    drawSeenLine(this.visits, tileOf);
    if (this.atEnd) byId("end").textContent = this.endText();
    else if (this.visits.length) byId("end").textContent = "";
    this.dispatchEvent(new Event("change"));
  }

  endText() {
    if (this.visits.length) return text("endOfList");
    return text(isFiltered() || showsStarred() ? "noMatch" : "noCaptures");
  }

  insert(capture, isNew) {
    if (this.visitOfKey.has(capture.key) || this.withheld.has(capture.key)) return;
    addCameraOf(capture);
    const id = showsAll() ? capture.key : visitId(capture);
    const known = this.visitById.get(id);
    const visit = known ?? new Visit(id);
    visit.add(capture);
    this.visitOfKey.set(capture.key, visit);
    if (known && visit.newest !== capture) return fillTile(tileOf(visit), visit);
    if (known) this.withdraw(visit);
    this.place(visit, isNew);
  }

  remove(key) {
    const visit = this.visitOfKey.get(key);
    if (!visit) return null;
    const taken = visit.shots.find((shot) => shot.key === key);
    this.visitOfKey.delete(key);
    if (visit.shots.length === 1) this.withdraw(visit);
    visit.remove(key);
    if (visit.shots.length) fillTile(tileOf(visit), visit);
    return taken;
  }

  place(visit, isNew) {
    const before = sortKey(visit.newest);
    let place = this.visits.length; // most often the oldest so far
    while (place && sortKey(this.visits[place - 1].newest) < before) place -= 1;
    const grid = daySection(visit.newest).querySelector(".grid");
    const next = this.visits[place] && tileOf(this.visits[place]);
    const isUnseen = Boolean(seenUntil) && before > seenUntil;
    grid.insertBefore(tileItem(visit, { isNew, isUnseen }), next?.parentElement === grid ? next : null);
    this.visits.splice(place, 0, visit);
    this.visitById.set(visit.id, visit);
  }

  withdraw(visit) {
    const tile = tileOf(visit);
    const section = tile.closest(".day");
    tile.remove();
    if (!section.querySelector("li:not(.seen-line)")) section.remove();
    this.visits.splice(this.visits.indexOf(visit), 1);
    this.visitById.delete(visit.id);
  }

  // Moves the keyboard to the tile of a capture, if there is one.
  focus(key) {
    const visit = this.visitOfKey.get(key);
    if (visit) tileOf(visit).querySelector("button").focus();
  }

  // Adds what was stored while no events came; starts over if that may be more than a page.
  async catchUp() {
    if (this.loading || !this.visits.length) return;
    try {
      const page = await requestJson(`/api/captures?${serverQuery()}`);
      const newest = sortKey(this.visits[0].newest);
      const missed = page.captures.filter((capture) => sortKey(capture) > newest);
      if (missed.length && missed.length === page.captures.length) this.restart();
      else for (const capture of missed.reverse()) this.addNew(capture);
    } catch {
      // the next page says what is wrong
    }
  }
}

const nearEnd = () => byId("sentinel").getBoundingClientRect().top < innerHeight + LOOKAHEAD_PIXELS;
const tileOf = (visit) => document.getElementById(`visit ${visit.id}`);

function daySection(capture) {
  const id = `day ${dayOf(capture.at)}`;
  const present = document.getElementById(id);
  if (present) return present;
  const title = element("h2", { textContent: fullDay(capture.at) });
  const section = element("section", { className: "day", id }, title, element("ol", { className: "grid" }));
  const older = [...byId("days").children].find((other) => other.id < id);
  byId("days").insertBefore(section, older ?? null);
  return section;
}
