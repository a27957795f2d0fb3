// SPDX-License-Identifier: Apache-2.0
// Latencies over time: a column a span, a row a step of the latency's logarithm, the darker the more exchanges.

import { LATENCY_TICKS, clock, make, many, ms, place, put } from "./text.js";

const COLUMNS = 120, ROWS = 28, SPAN_MS = 120000;

export class Heat {
	constructor() {
		this.canvas = make("canvas", { width: COLUMNS, height: ROWS, role: "img" });
		this.canvas.style.imageRendering = "pixelated";
		this.y = make("div", { class: "y", "aria-hidden": "true" }, LATENCY_TICKS.filter((_, i) => i % 2 === 0).map((tick) => {
			const label = make("span", {}, ms(tick).replace(/\.0+ /, " "));
			label.style.top = `${(1 - place(tick)) * 100}%`;
			return label;
		}));
		this.x = make("div", { class: "x", "aria-hidden": "true" });
		this.title = make("b");
		this.note = make("span");
		this.element = make("figure", {}, make("figcaption", {}, make("span", {}, "Latency over time, ", this.title), this.note),
			make("div", { class: "heat" }, this.y, this.canvas, this.x));
	}

	// What comes goes back two minutes; a recording is shown whole.
	draw(records, live, title) {
		const timed = records.filter((r) => r.duration !== undefined && r.start);
		const to = timed.length ? Math.max(...timed.slice(-2000).map((r) => r.end)) : 0;
		const first = timed.length ? timed.reduce((least, r) => Math.min(least, r.end), Infinity) : 0;
		const from = live ? Math.max(to - SPAN_MS, Math.min(first, to - 10000)) : first;
		const span = Math.max(1, to - from), cells = new Float64Array(COLUMNS * ROWS);
		let most = 0, shown = 0;
		for (const r of timed) {
			if (r.end < from)
				continue;
			const x = Math.min(COLUMNS - 1, Math.floor((r.end - from) / span * COLUMNS));
			const y = ROWS - 1 - Math.min(ROWS - 1, Math.floor(place(r.duration) * ROWS));
			most = Math.max(most, ++cells[y * COLUMNS + x]);
			shown++;
		}
		const context = this.canvas.getContext("2d"), image = context.createImageData(COLUMNS, ROWS);
		const [red, green, blue] = getComputedStyle(document.documentElement).getPropertyValue("--heat").split(",").map(Number);
		for (let i = 0; i < cells.length; i++)
			if (cells[i])
				image.data.set([red, green, blue, 60 + 195 * Math.log1p(cells[i]) / Math.log1p(most)], i * 4);
		context.putImageData(image, 0, 0);
		put(this.title, title);
		put(this.note, shown ? many(shown, "exchange") : "no exchange with a known duration");
		this.canvas.setAttribute("aria-label", `Heat map of the latency of ${many(shown, "exchange")}`);
		this.x.replaceChildren(...(shown ? [0, 0.25, 0.5, 0.75, 1] : []).map((share) => {
			const label = make("span", {}, clock(from + share * span).slice(0, span < 10000 ? 12 : 8));
			label.style.left = `${share * 100}%`;
			return label;
		}));
	}
}
