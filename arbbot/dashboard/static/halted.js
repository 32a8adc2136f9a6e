// After a halt: what is still open, until nothing is and the venue's balances and rows, read since, bear that out.
import { difference } from "./answers.js";
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

export function afterHalt(snapshot) {
  const { status } = snapshot;
  const { state_since_us: since, agreed_utc_us: seen } = status;
  const open = stillOpen(status);
  if (open.length) return { word: "Still open", text: open.join(" · "), tone: "wait" };
  const differs = difference(snapshot);
  if (differs) return { word: "The venue says otherwise", text: `no order of ours is open, but ${differs}`, tone: "wait" };
  if (!status.reconciled) {
    return { word: "Waiting for the venue", text: "no order of ours is open; the ledger has not been seen equal to the venue since", tone: "wait" };
  }
  if (since === null || (seen !== null && seen >= since)) {
    const when = since === null || seen === null ? "" : `, ${coarse((seen - since) / 1e6)} after the halt`;
    const at = seen === null ? "" : ` at ${clock(seen)} UTC`;
    return { word: "Balances confirmed from the venue", text: `no order of ours is open by our books, and the venue's balances and rows were read${at}${when} and equal the ledger`, tone: "ok" };
  }
  return { word: "Nothing is open", text: "by our own books; waiting for the venue's next word on balances and rows", tone: "wait" };
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
