// SPDX-License-Identifier: Apache-2.0
// Who talks to whom: programs, and the hosts that they ask, from left (who asks) to right (who is asked).

import { store } from "./data.js";
import { sides } from "./exchanges.js";
import { count, draw, make, many, ms, put, quantile } from "./text.js";

const EVERY_MS = 2000, NODES = 40, WIDTH = 190, HEIGHT = 40, GAP_X = 210, GAP_Y = 22;

// Two names an exchange: the program that asks and the one that answers, or where only one was seen, its address.
function ends(r) {
	const { client, server } = sides(r);
	const asked = client && !server ? `${client.host ?? client.peerAddress ?? "?"}${client.port ? `:${client.port}` : ""}` : null;
	return {
		from: client ? client.program ?? "?" : server?.client ?? "unknown client", fromKind: client ? "program" : "address",
		to: server ? server.program ?? "?" : asked ?? "unknown server", toKind: server ? "program" : "host",
	};
}

export function edgesOf(records) {
	const edges = new Map();
	for (const r of records) {
		const { from, to, fromKind, toKind } = ends(r), key = JSON.stringify([from, to]);
		if (!edges.has(key))
			edges.set(key, { from, to, fromKind, toKind, count: 0, errors: 0, times: [] });
		const edge = edges.get(key);
		edge.count++;
		edge.errors += r.failed;
		if (r.duration !== undefined)
			edge.times.push(r.duration);
	}
	for (const edge of edges.values())
		edge.p50 = quantile(edge.times.sort((a, b) => a - b), 0.5);
	return [...edges.values()].sort((a, b) => b.count - a.count);
}

// A node stands one column behind the furthest who asks it; a circle does not go on for ever.
function columnsOf(edges, names) {
	const column = new Map(names.map((name) => [name, 0]));
	for (let turn = 0; turn < Math.min(names.length, 8); turn++)
		for (const { from, to } of edges)
			if (from !== to && column.get(to) <= column.get(from) && column.get(from) < 7)
				column.set(to, column.get(from) + 1);
	return column;
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function picture(edges) {
	const weight = new Map(), kinds = new Map();
	for (const { from, to, fromKind, toKind, count: n } of edges) {
		weight.set(from, (weight.get(from) || 0) + n);
		weight.set(to, (weight.get(to) || 0) + n);
		kinds.set(from, fromKind);
		kinds.set(to, toKind);
	}
	const names = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a)).slice(0, NODES);
	const shown = edges.filter(({ from, to }) => names.includes(from) && names.includes(to));
	const column = columnsOf(shown, names), rows = [], at = new Map();
	for (const name of names) {
		const x = column.get(name);
		rows[x] = (rows[x] || 0) + 1;
		at.set(name, { x: 10 + x * (WIDTH + GAP_X), y: 10 + (rows[x] - 1) * (HEIGHT + GAP_Y) });
	}
	const width = Math.max(...[...at.values()].map(({ x }) => x)) + WIDTH + 60, height = Math.max(...rows.filter(Boolean)) * (HEIGHT + GAP_Y) + 20;
	const most = Math.max(...shown.map((edge) => edge.count), 1);
	const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Map of ${names.length} programs and hosts; the table below has the same` });
	const labels = [], into = new Map(), under = new Map();
	for (const edge of shown) {
		const a = at.get(edge.from), b = at.get(edge.to), y1 = a.y + HEIGHT / 2, y2 = b.y + HEIGHT / 2, x1 = a.x + WIDTH, x2 = b.x;
		const back = x2 <= a.x, bend = back ? 50 : GAP_X / 2;
		const dip = !back && x2 - x1 > GAP_X ? (HEIGHT + GAP_Y) * 2 / 3 : 0; // the line leaves by three quarters of it: between two rows
		const path = back ? `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${b.x + WIDTH + bend} ${y2}, ${b.x + WIDTH} ${y2}` : `M ${x1} ${y1} C ${x1 + bend} ${y1 + dip}, ${x2 - bend} ${y2 + dip}, ${x2} ${y2}`;
		svg.append(draw("path", { d: path, class: `edge${edge.errors / edge.count > 0.05 ? " failing" : ""}`, "stroke-width": 1.5 + 6 * Math.log1p(edge.count) / Math.log1p(most) }));
		const lines = dip ? under : into, line = lines.get(edge.to) || 0; // labels stand at the arrival, one above the other
		lines.set(edge.to, line + 1);
		if (line > (dip ? 0 : 2))
			continue;
		labels.push(draw("text", { class: "edge-label", x: back ? b.x + WIDTH + 8 : x2 - 8, y: dip ? y2 + HEIGHT / 2 + 14 : y2 - 7 + line * 14 + (line ? 6 : 0), "text-anchor": back ? "start" : "end" },
			`${count(edge.count)}, ${ms(edge.p50)}${edge.errors ? `, ${count(edge.errors)} failed` : ""}`));
	}
	for (const name of names) {
		const { x, y } = at.get(name);
		svg.append(draw("g", { class: "node" }, draw("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 7 }),
			draw("text", { x: x + 10, y: y + 17 }, cut(name, 27)), draw("text", { class: "sub", x: x + 10, y: y + 32 }, `${kinds.get(name)}, ${many(weight.get(name), "exchange")}`),
			draw("title", {}, name)));
	}
	svg.append(...labels);
	return svg;
}

export function mapView(app) {
	const note = make("span", { class: "note" }), map = make("div", { class: "map", tabindex: 0, role: "region", "aria-label": "Map" }), body = make("tbody");
	const table = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Who talks to whom" }, make("table", {}, make("thead", {}, make("tr", {},
		["From", "To", "Exchanges", "Errors", "p50"].map((heading, i) => make("th", { scope: "col", class: i > 1 ? "number" : "" }, heading)))), body));
	const empty = make("p", { class: "empty" }, "No exchange yet.");
	let version = -1;

	function show() {
		if (version === store.version)
			return;
		version = store.version;
		const edges = edgesOf(store.records);
		empty.hidden = edges.length > 0;
		map.hidden = table.hidden = !edges.length;
		put(note, `of the last ${many(store.records.length, "exchange")}`);
		if (!edges.length)
			return;
		map.replaceChildren(picture(edges));
		body.replaceChildren(...edges.slice(0, 200).map((edge) => make("tr", {}, make("td", { class: "observed" }, edge.from), make("td", { class: "observed" }, edge.to),
			make("td", { class: "number" }, count(edge.count)), make("td", { class: "number" }, make("span", { class: edge.errors ? "bad" : "soft" }, count(edge.errors))),
			make("td", { class: "number" }, ms(edge.p50)))));
	}

	const timer = setInterval(show, EVERY_MS);
	const changed = ({ detail }) => detail?.all && show();
	store.addEventListener("change", changed);
	app.main.replaceChildren(make("div", { class: "bar" }, make("h1", {}, "Who talks to whom"), note), map, table, empty);
	show();
	return () => {
		clearInterval(timer);
		store.removeEventListener("change", changed);
	};
}
