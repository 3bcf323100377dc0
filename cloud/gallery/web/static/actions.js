// What the viewer can do with a capture: share a link to it, or delete it or its visit.

import { requestJson } from "/static/api.js";
import { byId, delay } from "/static/dom.js";
import { text } from "/static/text.js";
import { keyQuery } from "./grid.js";

const MAX_DELETED = 200; // by one request
const COPIED_MS = 1500;

export function offerSharing(viewer) {
  viewer.addEventListener("show", () => {
    byId("sharing").hidden = byId("shared").hidden = true;
    byId("shared-until").textContent = "";
  });
  byId("share").addEventListener("click", () => {
    byId("sharing").hidden = !byId("sharing").hidden;
    byId("deleting").hidden = true;
  });
  byId("sharing").addEventListener("submit", (event) => {
    event.preventDefault();
    makeLink(viewer.key);
  });
  byId("copy").addEventListener("click", copyLink);
}

async function makeLink(key) {
  byId("shared-until").textContent = "";
  try {
    const query = keyQuery(key);
    query.set("expires", byId("expires").value);
    const link = await requestJson(`/api/link?${query}`, { method: "POST" });
    byId("shared").hidden = false;
    byId("url").value = link.url;
    byId("url").select();
    byId("shared-until").textContent = linkText(link);
    byId("shared-until").scrollIntoView({ block: "nearest" });
  } catch (error) {
    byId("shared-until").textContent = error.message;
  }
}

function linkText({ expires_at: expiresAt, note }) {
  const sentence = text("linkUntil", { time: new Date(expiresAt).toLocaleString() });
  return note ? text("linkNote", { text: sentence, note }) : sentence;
}

async function copyLink() {
  byId("url").select();
  try {
    await navigator.clipboard.writeText(byId("url").value);
  } catch {
    document.execCommand("copy"); // without TLS there is no clipboard to write to
  }
  byId("copy").textContent = text("copied");
  await delay(COPIED_MS);
  byId("copy").textContent = text("copy");
}

export function offerDeletion(viewer, grid) {
  viewer.addEventListener("show", () => (byId("deleting").hidden = true));
  viewer.addEventListener("describe", () => (byId("delete-visit").hidden = viewer.visitKeys.length < 2));
  byId("delete").addEventListener("click", () => {
    byId("deleting").hidden = !byId("deleting").hidden;
    byId("sharing").hidden = true;
  });
  byId("cancel-deletion").addEventListener("click", () => (byId("deleting").hidden = true));
  byId("deleting").addEventListener("submit", (event) => {
    event.preventDefault();
    confirmDeletion(viewer, grid, event.submitter.value === "visit" ? viewer.visitKeys : [viewer.key]);
  });
}

async function confirmDeletion(viewer, grid, keys) {
  const question = text(keys.length > 1 ? "confirmVisit" : "confirmOne", { number: keys.length });
  if (!confirm(question)) return;
  try {
    for (let first = 0; first < keys.length; first += MAX_DELETED) {
      const batch = keys.slice(first, first + MAX_DELETED);
      await requestJson("/api/delete", { method: "POST", body: JSON.stringify({ keys: batch }) });
      batch.forEach((key) => grid.remove(key));
    }
    viewer.close();
  } catch (error) {
    byId("deleting").hidden = true;
    viewer.showError(error);
  }
}
