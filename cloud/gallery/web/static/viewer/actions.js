// What the viewer can do with a capture: share a link to it, or delete it or its visit.

import { requestJson } from "/static/api.js";
import { byId } from "/static/dom.js";
import { keyQuery } from "../grid/tile.js";
import { deleteWithUndo } from "../sets/deletion.js";
import { copyFrom, linkText } from "../sets/links.js";

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
  byId("copy").addEventListener("click", () => copyFrom(byId("url"), byId("copy")));
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
    byId("shared-until").textContent = linkText(link, "linkUntil");
    byId("shared-until").scrollIntoView({ block: "nearest" });
  } catch (error) {
    byId("shared-until").textContent = error.message;
  }
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
    const keys = event.submitter.value === "visit" ? viewer.visitKeys : [viewer.key];
    viewer.close();
    deleteWithUndo(grid, keys);
  });
}
