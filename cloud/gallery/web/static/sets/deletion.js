// Deletion that can be undone for ten seconds: only then the bucket is asked.

import { requestJson } from "/static/api.js";
import { byId } from "/static/dom.js";
import { counted } from "/static/text.js";
import { renewCalendar } from "../overview/calendar.js";
import { renewToday } from "../overview/headline.js";
import { showProblem } from "../grid/grid.js";

const UNDO_MS = 10_000;
const MAX_DELETED = 200; // by one request

let pending = null;

export function deleteWithUndo(grid, keys) {
  commit();
  const captures = grid.take(keys);
  pending = { grid, keys, captures, timer: setTimeout(commit, UNDO_MS) };
  byId("deleted").textContent = counted("oneDeleted", "manyDeleted", keys.length);
  byId("undo-bar").hidden = false;
  byId("undo").focus();
}

export function offerUndo() {
  byId("undo").addEventListener("click", undo);
  addEventListener("pagehide", () => commit(true)); // whoever leaves does not undo
}

function undo() {
  const { grid, captures, timer } = close();
  clearTimeout(timer);
  grid.restore(captures);
  if (captures.length) grid.focus(captures[0].key);
}

async function commit(leaving = false) {
  if (!pending) return;
  const { grid, keys, captures, timer } = close();
  clearTimeout(timer);
  try {
    for (let first = 0; first < keys.length; first += MAX_DELETED) {
      const body = JSON.stringify({ keys: keys.slice(first, first + MAX_DELETED) });
      await requestJson("/api/delete", { method: "POST", body, keepalive: leaving === true });
    }
    renewToday();
    renewCalendar();
  } catch (error) {
    grid.restore(captures);
    showProblem(error.message);
  }
}

function close() {
  const closed = pending;
  pending = null;
  byId("undo-bar").hidden = true;
  return closed;
}
