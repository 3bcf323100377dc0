// What this month's captures cost so far, by edge.

import { requestJson } from "/static/api.js";
import { byId, delay, element } from "/static/dom.js";

const RETRY_MS = 1000;

export function offerCost() {
  byId("cost-button").addEventListener("click", showCost);
  byId("cost-close").addEventListener("click", () => byId("cost").close());
}

async function showCost() {
  show(paragraph("Counting ..."));
  byId("cost").showModal();
  while (byId("cost").open) {
    try {
      const cost = await requestJson("/api/cost");
      if (!cost.possible) return show(paragraph("S3_KEY_TEMPLATE has no prefixes by date, so counting a month would mean listing the whole bucket."));
      if (cost.counted) return show(paragraph(cost.month), table(cost), paragraph(explanation(cost)));
    } catch (error) {
      show(element("p", { textContent: error.message }));
    }
    await delay(RETRY_MS);
  }
}

const show = (...children) => byId("cost-details").replaceChildren(...children);
const paragraph = (text) => element("p", { className: "soft", textContent: text });

function table({ edges }) {
  const sum = (name) => edges.reduce((total, edge) => total + edge[name], 0);
  const head = element("tr", {}, ...["Edge", "PUTs", "Stored", "Price"].map((text) => element("th", { textContent: text, scope: "col" })));
  const rows = edges.map((edge) => row(edge.edge || "unknown", edge.puts, edge.bytes, edge.price));
  const total = row("Total", sum("puts"), sum("bytes"), sum("price"));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows, total));
}

function row(name, puts, bytes, price) {
  const cells = [name, puts.toLocaleString(), size(bytes), money(price)];
  return element("tr", {}, ...cells.map((text) => element("td", { textContent: text })));
}

const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);
const money = (price) => price.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: price < 0.1 ? 4 : 2 });

function explanation({ complete, at, prices }) {
  return `${complete ? "" : "At least this much. "}Counted at ${new Date(at).toLocaleTimeString()}, plus what was stored since. `
    + `${prices.per_1000_puts} per 1,000 PUTs (PRICE_PER_1000_PUTS), ${prices.per_gb_month} per GB and month (PRICE_PER_GB_MONTH). `
    + "Storage is that of this month's captures for one month.";
}
