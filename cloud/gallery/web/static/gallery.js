// The gallery: puts its parts together and starts them.

import { requestJson } from "/static/api.js";
import { byId, delay } from "/static/dom.js";
import { fillTexts } from "/static/text.js";
import { offerDeletion, offerSharing } from "./actions.js";
import { offerCost } from "./overview/cost.js";
import { addEdges, followFilters } from "./overview/filters.js";
import { Grid, showProblem } from "./grid.js";
import { followUpdates } from "./live-updates.js";
import { Viewer } from "./viewer.js";

const RETRY_MS = 5000;

const grid = new Grid();
const viewer = new Viewer(grid);

async function loadCameras() {
  try {
    const found = await requestJson("/api/cameras");
    byId("delete").hidden = !found.may_delete;
    byId("logout").hidden = !found.password_required;
    document.title = `${found.bucket} – usbcam`;
    addEdges(found.edges);
  } catch (error) {
    showProblem(error.message);
    await delay(RETRY_MS);
    await loadCameras();
  }
}

fillTexts(document);
offerSharing(viewer);
offerDeletion(viewer, grid);
offerCost();
followFilters(() => grid.restart());
addEventListener("popstate", () => {
  grid.restartIfFiltersChanged();
  viewer.showAddress();
});
grid.followScrolling();
grid.restart();
followUpdates(grid);
loadCameras().then(() => viewer.showAddress());
