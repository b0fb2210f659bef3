// Spark: a line of prices as SVG. It knows numbers only; the colours are the style sheet's.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 28;
const EDGE = 3;
const SLOTS = 120; // the line grows from the left until so many prices have come, then moves

export class Spark {
  #line = make("polyline", "line");
  #base = make("line", "base");
  #dot = make("circle", "dot");

  constructor(place) {
    const svg = make("svg", "");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("aria-hidden", "true");
    this.#base.setAttribute("x1", EDGE);
    this.#base.setAttribute("x2", WIDTH - EDGE);
    this.#dot.setAttribute("r", 2);
    svg.append(this.#base, this.#line, this.#dot);
    place.replaceChildren(svg);
  }

  /** Draw the prices, oldest first, and a base line at `level`. */
  draw(prices, level) {
    const shown = prices.length > 0;
    this.#dot.style.display = this.#base.style.display = shown ? "" : "none";
    if (!shown) {
      this.#line.setAttribute("points", "");
      return;
    }
    const low = Math.min(level, ...prices);
    const high = Math.max(level, ...prices);
    const step = (WIDTH - 2 * EDGE) / (Math.min(SLOTS, Math.max(prices.length, 30)) - 1);
    const x = (index) => (EDGE + index * step).toFixed(1);
    const y = (price) =>
      (high === low ? HEIGHT / 2 : EDGE + ((high - price) / (high - low)) * (HEIGHT - 2 * EDGE)).toFixed(1);
    this.#line.setAttribute("points", prices.map((price, index) => `${x(index)},${y(price)}`).join(" "));
    this.#base.setAttribute("y1", y(level));
    this.#base.setAttribute("y2", y(level));
    this.#dot.setAttribute("cx", x(prices.length - 1));
    this.#dot.setAttribute("cy", y(prices.at(-1)));
  }
}

function make(name, style) {
  const element = document.createElementNS(SVG, name);
  if (style) element.setAttribute("class", style);
  return element;
}
