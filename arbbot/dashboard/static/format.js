// Figures for people. The API's money is exact decimal text and stays text: nothing here goes through a binary float.

export const NONE = "—";

/** Decimal text without an exponent, digit for digit: "0E-8" is "0.00000000". */
export function plain(text) {
  const found = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text);
  if (!found) return text;
  const [, sign, whole, fraction = "", exponent] = found;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point >= digits.length) return sign + digits.padEnd(point, "0").replace(/^0+(?=\d)/, "");
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), "0");
  const at = Math.max(point, 1);
  return `${sign}${padded.slice(0, at)}.${padded.slice(at)}`;
}

/** With separators of thousands; every digit stays. */
export function grouped(text) {
  const [whole, fraction] = plain(String(text)).split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/** Rounded half away from zero to so many places, as text. */
export function rounded(text, places) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(plain(String(text)));
  const kept = (whole + fraction.slice(0, places).padEnd(places, "0"));
  const up = Number(fraction[places] ?? "0") >= 5 ? 1n : 0n;
  const digits = (BigInt(kept) + up).toString().padStart(places + 1, "0");
  const value = places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
  return grouped(/[1-9]/.test(value) ? sign + value : value);
}

export const isZero = (text) => !/[1-9]/.test(plain(String(text)));
export const isNegative = (text) => String(text).startsWith("-") && !isZero(text);

/** A signed copy: gains and losses are read by their sign, not by their colour. */
export const signed = (text) => (isZero(text) || String(text).startsWith("-") ? text : `+${text}`);

const TWO = (count) => String(count).padStart(2, "0");

/** Seconds (a number, or text) as a span: 3.2 s, 4 min 05 s, 2 h 07 min, 3 d 04 h. */
export function span(seconds) {
  const s = Math.max(0, Number(seconds));
  if (s < 60) return `${s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${TWO(Math.floor(s % 60))} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${TWO(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86400)} d ${TWO(Math.floor((s % 86400) / 3600))} h`;
}

/** Whole seconds where tenths would only flicker. */
export const coarse = (seconds) => (seconds < 60 ? `${Math.floor(Math.max(0, seconds))} s` : span(seconds));

/** All times are UTC, like the journal's and the report's days; whoever shows one says so. */
export const utc = (us) => new Date(us / 1000).toISOString();
export const clock = (us) => utc(us).slice(11, 19);
export const day = (us) => utc(us).slice(0, 10);
/** Time of day; with the day in front where that is not the day of `now`. */
export const moment = (us, nowUs) => (day(us) === day(nowUs) ? clock(us) : `${day(us).slice(5)} ${clock(us)}`);

const SIZES = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]];
export function bytes(count) {
  if (count === null) return NONE;
  for (const [unit, size] of SIZES) if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  return `${count} B`;
}

export const percent = (ratio, places = 0) => `${(Number(ratio) * 100).toFixed(places)} %`;
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
export const spaced = (name) => name.replaceAll("_", " ");
