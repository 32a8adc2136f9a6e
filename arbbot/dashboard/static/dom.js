// Writing into the page: only what changed, and always as text, since some of it was written by others.
import { NONE, grouped, plain } from "./format.js";

export const $ = (id) => document.getElementById(id);

export function put(node, text, title = "") {
  if (node.textContent !== text) node.textContent = text;
  if (node.title !== title) node.title = title;
}

export function mark(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** An element with text, a class, and children. */
export function made(tag, { text, className, children } = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (children) node.append(...children);
  return node;
}

/** Decimals that a column of exact figures makes room for. */
const PLACES = 8;

/** Exact decimal text with every digit. Zeros at its end that carry no value are fainter, and beyond the column's
 * places they only stand in the document; figures with fewer decimals keep their point in line with the others. */
export function exact(node, value) {
  const text = value === null || value === undefined ? NONE : grouped(value);
  if (node.dataset.exact === text) return;
  node.dataset.exact = text;
  const [whole, fraction = ""] = text.split(".");
  const digits = fraction.replace(/0+$/, "");
  const faint = fraction.slice(digits.length, Math.max(PLACES, digits.length));
  const beyond = fraction.slice(digits.length + faint.length);
  node.replaceChildren(
    fraction ? `${whole}.${digits}` : whole,
    ...[[faint, "z"], [beyond, "beyond"]].filter(([zeros]) => zeros).map(([zeros, className]) => made("span", { text: zeros, className })),
  );
  node.style.marginRight = digits.length > PLACES ? `-${Math.min(digits.length - PLACES, 2)}ch` : ""; // as far as there is a margin
  node.style.paddingRight = text === NONE || fraction.length >= PLACES ? "" : `${PLACES - fraction.length + (fraction ? 0 : 0.5)}ch`;
}

/** A shortened copy; the full value is its title. */
export function short(node, value, shorten) {
  if (value === null || value === undefined) put(node, NONE);
  else put(node, shorten(plain(String(value))), plain(String(value)));
}

/** Keep one child of `parent` for each item, by key, in order; others go. `make(item)` builds, `fill(node, item)` writes. */
export function each(parent, items, key, make, fill) {
  const known = new Map(Array.from(parent.children, (node) => [node.dataset.key, node]));
  let before = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = known.get(name);
    if (node) known.delete(name);
    else {
      node = make(item);
      node.dataset.key = name;
    }
    fill(node, item);
    if (node === before) before = before.nextElementSibling;
    else parent.insertBefore(node, before);
  }
  for (const node of known.values()) node.remove();
}

/** A list of plain lines; `none` says that there are none. */
export function lines(list, texts, none) {
  const shown = texts.length ? texts : none === undefined ? [] : [none];
  each(list, shown.map((text, index) => ({ text, index })), ({ index }) => index, () => made("li"), (node, { text }) => {
    put(node, text);
    node.classList.toggle("none", !texts.length);
  });
}

/** A table row: a heading cell and so many others. */
export function row(columns, classes = []) {
  const cells = Array.from({ length: columns }, (_, index) => made("td", { className: classes[index] ?? "" }));
  return made("tr", { children: [made("th"), ...cells] });
}

/** Name and figure pairs: [name, write(node), full name]. */
export function pairs(list, entries) {
  each(list, entries, ([name]) => name, ([name]) => made("div", { children: [made("dt", { text: name }), made("dd")] }), (node, [, write]) => {
    const figure = node.lastElementChild;
    if (typeof write === "function") write(figure);
    else put(figure, write);
  });
}
