// Format: numbers and times as text. It never rounds what was sent: 1e-7 and 0.1 look as they came.

/** How many decimals the shortest text of a number has. */
export function decimals(number) {
  const text = String(number);
  if (text.includes("e")) return 0;
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/** A number with its thousands grouped and at least `places` decimals, so that columns align. */
export function exact(number, places = 0) {
  const text = String(number);
  if (text.includes("e")) return text;
  const [whole, fraction = ""] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const padded = fraction.padEnd(places, "0");
  return (padded ? `${grouped}.${padded}` : grouped).replace("-", "\u2212");
}

/** The change from one price to another: `[absolute, percent]`, both signed; the absolute one has `places` decimals. */
export function change(from, to, places) {
  const difference = to - from;
  const sign = difference > 0 ? "+" : difference < 0 ? "\u2212" : "";
  // A difference of binary fractions is noise below the last decimal of the prices: so this one number is rounded.
  const absolute = exact(Number(Math.abs(difference).toFixed(places)), places);
  const percent = from === 0 ? "" : `${sign}${Math.abs((100 * difference) / from).toFixed(2)}%`;
  return [sign + absolute, percent];
}

/** A bar's start, UTC: the day for daily bars and longer, else the hour and minute. */
export function barTime(time, resolution) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const text = date.toISOString();
  return /[DWM]$/.test(resolution) ? text.slice(0, 10) : text.slice(11, 16);
}
