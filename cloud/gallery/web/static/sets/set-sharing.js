// One link to a page with several captures.

import { requestJson } from "/static/api.js";
import { byId } from "/static/dom.js";
import { counted, language } from "/static/text.js";
import { copyFrom, linkText } from "./links.js";

let chosen = [];

export function offerSetSharing() {
  byId("set-sharing").addEventListener("submit", (event) => {
    if (event.submitter.value !== "create") return;
    event.preventDefault();
    makeLink();
  });
  byId("copy-set").addEventListener("click", () => copyFrom(byId("set-url"), byId("copy-set")));
}

export function shareSet(keys) {
  chosen = keys;
  byId("set-amount").textContent = counted("onePicture", "manyPictures", keys.length);
  byId("set-shared").hidden = true;
  byId("set-shared-until").textContent = "";
  byId("set-sharing").showModal();
}

async function makeLink() {
  byId("set-shared-until").textContent = "";
  try {
    const body = JSON.stringify({ keys: chosen, expires: byId("set-expires").value, title: byId("set-amount").textContent, language });
    const link = await requestJson("/api/share", { method: "POST", body });
    byId("set-shared").hidden = false;
    byId("set-url").value = link.url;
    byId("set-url").select();
    byId("set-shared-until").textContent = linkText(link, "setLinkUntil");
  } catch (error) {
    byId("set-shared-until").textContent = error.message;
  }
}
