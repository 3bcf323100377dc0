// Several visits at once: chosen by the button, Shift, Ctrl, the key x or a long touch.

import { byId } from "/static/dom.js";
import { counted, text } from "/static/text.js";
import { showsAll } from "../overview/filters.js";
import { deleteWithUndo } from "./deletion.js";
import { shareSet } from "./set-sharing.js";
import { starChosen } from "./stars.js";

const LONG_TOUCH_MS = 500;

export class Selection {
  constructor(grid) {
    this.grid = grid;
    this.active = false;
    this.chosen = new Set(); // ids of visits
    this.last = null; // the tile from which Shift goes on
    byId("select").addEventListener("click", () => (this.active ? this.end() : this.begin()));
    byId("end-selection").addEventListener("click", () => this.end());
    byId("select-all").addEventListener("click", () => this.chooseAll());
    byId("zip").addEventListener("submit", () => (byId("zip-keys").value = JSON.stringify(this.keys)));
    byId("star-chosen").addEventListener("click", () => this.star());
    byId("share-chosen").addEventListener("click", () => shareSet(this.keys));
    byId("delete-chosen").addEventListener("click", () => this.delete());
    grid.addEventListener("change", () => this.active && this.show());
    this.followClicks(byId("days"));
    this.followTouches(byId("days"));
  }

  get keys() {
    return this.visits.flatMap((visit) => visit.shots.map((shot) => shot.key));
  }

  get visits() {
    return this.grid.visits.filter((visit) => this.chosen.has(visit.id));
  }

  begin() {
    this.active = true;
    this.show();
  }

  end() {
    const was = this.active;
    this.active = false;
    this.chosen.clear();
    this.last = null;
    if (was) this.show();
  }

  toggle(tile, range = false) {
    const id = visitIdOf(tile);
    this.active = true;
    if (range && this.last) for (const other of this.between(this.last, id)) this.chosen.add(other);
    else if (!this.chosen.delete(id)) this.chosen.add(id);
    this.last = id;
    this.show();
  }

  between(one, other) {
    const ids = this.grid.visits.map((visit) => visit.id);
    const [first, last] = [ids.indexOf(one), ids.indexOf(other)].sort((a, b) => a - b);
    return first < 0 ? [other] : ids.slice(first, last + 1).filter(isVisible);
  }

  chooseAll() {
    for (const visit of this.grid.visits) if (isVisible(visit.id)) this.chosen.add(visit.id);
    this.show();
  }

  show() {
    document.body.classList.toggle("selecting", this.active);
    byId("selection").hidden = !this.active;
    byId("select").ariaPressed = String(this.active);
    for (const tile of document.querySelectorAll("#days .tile")) {
      if (this.active) tile.ariaPressed = String(this.chosen.has(visitIdOf(tile)));
      else tile.removeAttribute("aria-pressed");
    }
    const pictures = this.keys.length;
    const amount = counted("onePicture", "manyPictures", pictures);
    const visits = counted("oneVisit", "manyVisits", this.visits.length);
    byId("chosen").textContent = pictures ? text("chosen", { text: showsAll() ? amount : text("labelled", { name: visits, text: amount }) }) : text("chooseSome");
    for (const id of ["download-chosen", "star-chosen", "share-chosen", "delete-chosen"]) byId(id).disabled = !pictures;
  }

  delete() {
    const { keys } = this;
    this.end();
    deleteWithUndo(this.grid, keys);
  }

  star() {
    const { keys } = this;
    this.end();
    starChosen(this.grid, keys);
  }

  followClicks(days) {
    days.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (!tile || !(this.active || event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.stopImmediatePropagation();
      if (!this.touched) this.toggle(tile, event.shiftKey);
      this.touched = false;
    }, { capture: true });
  }

  // A long touch chooses; the click that follows it must not take that back.
  followTouches(days) {
    let timer = null;
    days.addEventListener("touchstart", (event) => {
      const tile = event.target.closest(".tile");
      this.touched = false;
      if (tile && !this.active) timer = setTimeout(() => {
        this.touched = true;
        this.toggle(tile);
      }, LONG_TOUCH_MS);
    }, { passive: true });
    for (const name of ["touchend", "touchmove", "touchcancel"]) days.addEventListener(name, () => clearTimeout(timer), { passive: true });
    days.addEventListener("contextmenu", (event) => this.touched && event.preventDefault());
  }
}

const visitIdOf = (tile) => tile.closest("li").id.slice("visit ".length);
const isVisible = (id) => Boolean(document.getElementById(`visit ${id}`)?.offsetParent);
