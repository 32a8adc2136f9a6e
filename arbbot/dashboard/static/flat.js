// Exposure, what is open at the venue, and balances.
import { $, each, exact, made, mark, put, row } from "./dom.js";
import { NONE, coarse, grouped, isZero, utc } from "./format.js";
import { orderState } from "./answers.js";

export function drawFlat(snapshot) {
  const { status, utc_us: nowUs } = snapshot;
  const [asset, { low, high }] = Object.entries(status.exposure)[0];
  for (const node of document.querySelectorAll(".asset")) put(node, asset);
  exact($("exposure-low"), low);
  exact($("exposure-high"), high);
  exact($("worst-notional"), status.worst_notional);
  const since = status.unhedged_since_us;
  put($("unhedged"), since === null ? NONE : coarse((nowUs - since) / 1e6), since === null ? "" : `since ${utc(since)}`);
  const [currency, drift] = Object.entries(status.fx_drift)[0] ?? ["", null];
  put($("drift-name"), `unconverted ${currency}`, "what hedges left that has not been converted");
  exact($("fx-drift"), drift);
  const { differs } = status;
  put($("agreed"), differs ? `by the last reading: ${differs}` : agreed(status, nowUs));
  mark($("agreed"), "tone", differs ? "alarm" : "calm");
  drawOrders(status.open_orders);
  each($("balances"), Object.entries(status.balances), ([name]) => name, () => row(3), drawBalance);
}

function drawOrders(orders) {
  put($("open-count"), orders.length ? String(orders.length) : "");
  const shown = orders.length ? orders : [null];
  const build = (order) => (order ? made("li", { children: ["what", "doing"].map((className) => made("span", { className })) }) : made("li", { className: "none", text: "none" }));
  each($("open-orders"), shown, (order) => order?.client_order_id ?? "none", build, (node, order) => {
    if (order === null) return;
    mark(node, "tone", order.in_doubt ? "wait" : "calm");
    const price = order.price === null ? order.kind : `at ${grouped(order.price)}`;
    put(node.firstElementChild, `${order.side} ${grouped(order.may_fill)} ${order.market} ${price}`);
    const cancel = order.cancel ? `, cancel ${order.cancel.replaceAll("_", " ")}` : "";
    const purpose = order.purpose === "leg" ? "" : `${order.purpose} · `;
    put(node.lastElementChild, `${order.client_order_id} · ${purpose}${orderState(order)}${cancel} · ${coarse(Number(order.age_s))}`);
  });
}

function agreed(status, nowUs) {
  if (status.reconciled_age_s === null) return "not compared yet";
  const read = status.agreed_utc_us === null ? "not yet read by this process" : `last read and equal ${coarse((nowUs - status.agreed_utc_us) / 1e6)} ago`;
  return `last statement ${coarse(Number(status.reconciled_age_s))} ago; ${read}`;
}

function drawBalance(node, [currency, line]) {
  const [name, venue, ledger, difference] = node.children;
  put(name, currency);
  exact(venue, line.venue);
  exact(ledger, line.ledger);
  exact(difference, line.difference);
  mark(difference, "tone", line.difference !== null && !isZero(line.difference) ? "wait" : "calm");
  for (const [index, label] of ["venue", "ledger", "difference"].entries()) mark(node.children[index + 1], "label", label);
}

