// SPDX-License-Identifier: Apache-2.0
// Endpoints with rate, errors and latencies: without a filter the server's numbers, of the run or its last seconds; with one
// those of the exchanges that are kept here.

import { askJson, store } from "./data.js";
import { Heat } from "./heat.js";
import { Table } from "./table.js";
import { count, make, many, ms, place, put, quantile, rate } from "./text.js";

const EVERY_MS = 2000;
const keyOf = (host, method, route) => JSON.stringify([host ?? null, method ?? null, route ?? null]);

function fromServer(row) {
	const errors = ["4xx", "5xx", "reset", "timeout", "grpc"].reduce((sum, kind) => sum + (row[`errors.${kind}`] || 0), 0);
	return {
		host: row["server.address"], method: row["http.request.method"], route: row["http.route"], operation: row["hark.operation"],
		overflow: row.overflow && `all others (${row.folded})`, count: row.count, rate: row.rate, errors, open: row.in_flight,
		p50: row.duration_ms?.p50, p99: row.duration_ms?.p99, max: row.duration_ms?.max,
	};
}

function fromRecords(records) {
	const groups = new Map();
	let first = Infinity, last = 0;
	for (const r of records) {
		const key = keyOf(r.host, r.method, r.route);
		if (!groups.has(key))
			groups.set(key, { host: r.host, method: r.method, route: r.route, count: 0, errors: 0, times: [] });
		const group = groups.get(key);
		group.count++;
		group.errors += r.failed;
		if (r.duration !== undefined)
			group.times.push(r.duration);
		first = Math.min(first, r.start || first);
		last = Math.max(last, r.end);
	}
	for (const group of groups.values()) {
		group.times.sort((a, b) => a - b);
		Object.assign(group, { p50: quantile(group.times, 0.5), p99: quantile(group.times, 0.99), max: group.times.at(-1) });
		group.rate = last > first ? group.count / (last - first) * 1000 : undefined;
	}
	return [...groups.values()];
}

// scale: the latencies of all rows, from the least p50 to the most p99.
function rangeBar(row, scale) {
	const where = (value) => (place(value) - scale.from) / Math.max(0.01, scale.to - scale.from);
	const bar = make("div", { class: "range", "aria-hidden": "true" }, make("i"));
	if (row.p50 === undefined)
		return bar;
	bar.firstChild.style.left = `${where(row.p50) * 97}%`;
	bar.firstChild.style.width = `${Math.max(0.03, where(row.p99) - where(row.p50)) * 97}%`;
	return bar;
}

export function endpointsView(app) {
	const scale = { from: 0, to: 1 };
	let chosen = null, timer = 0, closed = false;
	const windows = make("select", { id: "window", onchange: () => load() },
		[["60s", "last minute"], ["10s", "last 10 s"], ["run", "whole run"]].map(([value, text]) => make("option", { value }, text)));
	if (store.source === "recording")
		windows.value = "run";
	const note = make("span", { class: "note" });
	const show = make("button", { type: "button", hidden: true, onclick: () => app.filter(filterOf(chosen), "exchanges") }, "Show its exchanges");
	const heat = new Heat();
	const table = new Table({
		label: "Endpoints", sort: "count", key: (row) => keyOf(row.host, row.method, row.route) + (row.overflow || ""),
		chosen: (row) => {
			chosen = row;
			show.hidden = !row;
			picture();
		},
		columns: [
			{ name: "method", heading: "Method", kind: "method", upwards: true, value: (r) => r.method ?? "", cell: (r) => r.method ?? (r.overflow ? "" : "?") },
			{ name: "route", heading: "Endpoint", kind: "wide", upwards: true, main: true, value: (r) => `${r.host ?? ""}${r.route ?? ""}`,
				cell: (r) => r.overflow || `${r.host ?? "?"}${r.route ?? ""}${r.operation ? ` ${r.operation}` : ""}` },
			{ name: "count", heading: "Count", kind: "number", value: (r) => r.count, cell: (r) => count(r.count) },
			{ name: "rate", heading: "Rate /s", kind: "number", value: (r) => r.rate, cell: (r) => rate(r.rate) },
			{ name: "errors", heading: "Errors", kind: "number", value: (r) => r.errors / Math.max(1, r.count),
				cell: (r) => make("span", { class: r.errors ? "bad" : "soft" }, r.errors ? `${count(r.errors)} (${(r.errors / r.count * 100).toFixed(r.errors / r.count < 0.1 ? 1 : 0)} %)` : "0") },
			{ name: "p50", heading: "p50", kind: "number", value: (r) => r.p50, cell: (r) => ms(r.p50) },
			{ name: "p99", heading: "p99", kind: "number", value: (r) => r.p99, cell: (r) => ms(r.p99) },
			{ name: "max", heading: "Max", kind: "number narrow", value: (r) => r.max, cell: (r) => ms(r.max) },
			{ name: "range", heading: "p50 to p99", kind: "narrow", cell: (r) => rangeBar(r, scale) },
		],
	});
	const empty = make("p", { class: "empty" }, "No exchange yet.");

	function filterOf(row) {
		const quoted = (text) => `"${String(text).replace(/[\\"]/g, "\\$&")}"`;
		const parts = [row.host && `host:${quoted(row.host)}`, row.method && `method:${row.method}`,
			row.route && `path:${quoted(row.route.replace(/\{[^}]*\}/g, "*"))}`];
		return parts.filter(Boolean).join(" ");
	}

	function picture() {
		const records = chosen ? store.records.filter((r) => keyOf(r.host, r.method, r.route) === keyOf(chosen.host, chosen.method, chosen.route)) : store.records;
		heat.draw(records, store.source !== "recording", chosen ? `${chosen.method ?? "?"} ${chosen.host ?? "?"}${chosen.route ?? ""}` : "of all endpoints");
	}

	async function load() {
		clearTimeout(timer);
		try {
			const rows = store.filter ? fromRecords(store.records)
				: (await askJson("/api/endpoints", { window: windows.value, limit: 500 })).endpoints.map(fromServer);
			if (closed)
				return;
			const timed = rows.filter((r) => r.p50 !== undefined);
			scale.from = Math.min(1, ...timed.map((r) => place(r.p50)));
			scale.to = Math.max(0, ...timed.map((r) => place(r.p99)));
			table.set(rows);
			empty.hidden = rows.length > 0;
			table.element.hidden = !rows.length;
			windows.disabled = Boolean(store.filter);
			put(note, store.filter ? `of ${count(store.records.length)} exchanges that pass the filter` : many(rows.length, "endpoint"));
			picture();
		} catch {
			put(note, "hark does not answer");
		}
		if (!closed)
			timer = setTimeout(load, EVERY_MS);
	}

	const changed = ({ detail }) => detail?.all && load();
	store.addEventListener("change", changed);
	app.main.replaceChildren(make("div", { class: "bar" }, make("h1", {}, "Endpoints"), make("label", { for: "window", class: "soft" }, "of the"), windows, show, note),
		heat.element, table.element, empty);
	load();
	return () => {
		closed = true;
		clearTimeout(timer);
		store.removeEventListener("change", changed);
	};
}
