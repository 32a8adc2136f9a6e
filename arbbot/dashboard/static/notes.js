// What the daemon wanted a person to hear: alerts, changes of state, trips, starts.
import { $, each, made, mark, put } from "./dom.js";
import { moment, spaced, utc } from "./format.js";

export function drawNotes({ notes, utc_us: nowUs }) {
  const shown = notes.length ? notes : [null];
  const build = (note) =>
    note ? made("li", { children: [made("time"), made("b"), made("span")] }) : made("li", { className: "none", text: "nothing yet" });
  const numbered = shown.map((note, index) => ({ note, key: note ? `${note.utc_us} ${note.name} ${shown.length - index}` : "none" }));
  each($("notes"), numbered, ({ key }) => key, ({ note }) => build(note), (node, { note }) => {
    if (note === null) return;
    const [time, name, text] = node.children;
    put(time, moment(note.utc_us, nowUs), utc(note.utc_us));
    put(name, spaced(note.name));
    put(text, note.text);
    mark(node, "severity", note.severity);
  });
}
