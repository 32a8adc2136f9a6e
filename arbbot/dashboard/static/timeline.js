// Everything that led to a hedge and came of it. The sheet is no modal: HALT stays within reach.
import { $, each, made, put } from "./dom.js";
import { rounded, spaced, utc } from "./format.js";
import { ask } from "./session.js";

let shown = null;
let opener = null;

export async function openTimeline(hedgeId, from) {
  shown = hedgeId;
  opener = from;
  put($("h-timeline"), `Timeline of ${hedgeId}`);
  if (!$("timeline").open) {
    each($("timeline-lines"), [], () => "", () => null, () => {});
    $("timeline").show();
  }
  $("timeline-close").focus();
  await read();
}

/** Read again where it is of one of these hedges. */
export async function refreshTimeline(changed) {
  if (shown !== null && changed.has(shown)) await read();
}

async function read() {
  const asked = shown;
  try {
    const told = await ask(`/api/hedges/${encodeURIComponent(asked)}`);
    if (asked === shown) draw(told.lines);
  } catch (error) {
    put($("timeline-note"), `not read: ${error.message}`);
  }
}

function draw(lines) {
  put($("timeline-note"), lines.length ? `${utc(lines[0].utc_us).replace("T", " ").replace("Z", " UTC")}, and milliseconds since` : "nothing is told of it");
  const numbered = lines.map((line, index) => ({ ...line, index }));
  const build = () => made("li", { children: [made("time"), made("b"), made("div")] });
  each($("timeline-lines"), numbered, ({ index }) => index, build, (node, line) => {
    const [time, kind, words] = node.children;
    put(time, `+${rounded(line.after_ms, 3)}`, utc(line.utc_us));
    put(kind, spaced(line.kind));
    each(words, line.words.map((text, index) => ({ text, index })), ({ index }) => index, () => made("p"), (p, { text }) => put(p, text));
  });
}

export function setUpTimeline() {
  const close = () => {
    shown = null;
    $("timeline").close();
    opener?.focus();
  };
  $("timeline-close").addEventListener("click", close);
  $("timeline").addEventListener("keydown", (event) => event.key === "Escape" && close());
}
