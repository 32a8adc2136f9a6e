// After a halt: what is still open, until the venue itself, asked since, has said that nothing is.
import { $, mark, put, show } from "./dom.js";
import { clock, coarse, grouped, isZero, plural } from "./format.js";

export function drawAfterHalt(snapshot) {
  const { status } = snapshot;
  const strip = $("after-halt");
  const halted = status.state === "halted" || status.state === "panic";
  show(strip, halted);
  if (!halted) return;
  const { word, text, tone } = afterHalt(snapshot);
  mark(strip, "tone", tone);
  put($("after-halt-word"), word);
  put($("after-halt-text"), text);
}

function afterHalt({ status }) {
  const { state_since_us: since, agreed_utc_us: seen, open_orders_listed: listed, differs } = status;
  const open = stillOpen(status);
  if (open.length) return { word: "Still open", text: open.join(" · "), tone: "wait" };
  if (listed && (listed.ours || listed.others)) {
    return { word: "The venue lists open orders", text: `none by our own books, but ${listedWords(listed)}, at ${clock(listed.utc_us)} UTC`, tone: "wait" };
  }
  if (differs) return { word: "The venue says otherwise", text: `no order of ours is open, but ${differs}`, tone: "wait" };
  if (!status.reconciled) {
    return { word: "Waiting for the venue", text: "no order of ours is open; the ledger has not been seen equal to the venue since", tone: "wait" };
  }
  const missing = [];
  if (!listed) missing.push("its open orders (a list that it gives within 10 s may be an old one)");
  if (seen === null || (since !== null && seen < since)) missing.push("its balances and rows");
  if (missing.length) return { word: "Nothing is open", text: `by our own books; waiting for the venue's word on ${missing.join(", and on ")}`, tone: "wait" };
  const after = (us) => `at ${clock(us)} UTC${since === null ? "" : `, ${coarse((us - since) / 1e6)} after the halt`}`;
  return {
    word: "Confirmed from the venue",
    text: `its list of open orders is empty (${after(listed.utc_us)}); its balances and rows equal the ledger (${after(seen)})`,
    tone: "ok",
  };
}

function listedWords({ ours, others }) {
  const words = [];
  if (ours) words.push(`${plural(ours, "order")} of ours that our books have ended`);
  if (others) words.push(`${plural(others, "order")} that this daemon did not send`);
  return words.join(" and ");
}

function stillOpen(status) {
  const open = [];
  const { open_orders: orders, in_doubt: doubted } = status;
  if (orders.length) open.push(plural(orders.length, "order") + (doubted.length ? `, ${doubted.length} in doubt` : ""));
  for (const [asset, { low, high }] of Object.entries(status.exposure)) {
    if (!status.flat && !(isZero(low) && isZero(high))) open.push(`${grouped(low)} to ${grouped(high)} ${asset}`);
  }
  if (status.open_hedge) open.push(`hedge ${status.open_hedge}`);
  if (!open.length && !status.flat) open.push("a position beyond dust");
  return open;
}
