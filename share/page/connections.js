// SPDX-License-Identifier: Apache-2.0
// Connections, and of one the waterfall of its streams.

import { askJson, store } from "./data.js";
import { Table } from "./table.js";
import { bytes, count, make, many, ms, put, statusClass } from "./text.js";

const EVERY_MS = 2000;

const address = (host, port) => (host === undefined ? "–" : `${host.includes(":") ? `[${host}]` : host}${port ? `:${port}` : ""}`);

function flat({ open, errors, connection: c }) {
	return {
		open, errors, id: c["hark.connection"], number: c["hark.connection.number"], role: c["hark.role"], program: c["process.executable.name"] || c["thread.name"],
		pid: c["process.pid"], local: address(c["network.local.address"], c["network.local.port"]), peer: address(c["network.peer.address"], c["network.peer.port"]),
		version: c["network.protocol.version"], protocol: c["network.protocol.name"], tls: c["tls.library"] || (c.tls ? "yes" : c.tls === false ? "no" : "?"),
		name: c["tls.client.server_name"], exchanges: c["hark.exchanges"], moved: c["hark.bytes.moved"], opaque: c["hark.opaque"] || c["hark.muted"],
		lost: c["hark.bytes.lost"],
	};
}

export function connectionsView(app) {
	let timer = 0, closed = false;
	const note = make("span", { class: "note" });
	const which = make("select", { id: "which", onchange: () => load() },
		[["http", "with HTTP"], ["open", "open"], ["all", "all"]].map(([value, text]) => make("option", { value }, text)));
	const table = new Table({
		label: "Connections", sort: "number", key: (r) => String(r.id), chosen: (r) => r && app.go(`connection/${r.id}`),
		columns: [
			{ name: "number", heading: "#", kind: "number", value: (r) => r.number ?? r.id, cell: (r) => r.number ?? r.id },
			{ name: "state", heading: "State", value: (r) => Number(r.open), cell: (r) => make("span", { class: r.open ? "good" : "soft" }, r.open ? "open" : "closed") },
			{ name: "program", heading: "Process", upwards: true, main: true, value: (r) => r.program, cell: (r) => `${r.program ?? "?"}[${r.pid ?? "?"}]` },
			{ name: "role", heading: "Role", kind: "narrow", upwards: true, value: (r) => r.role, cell: (r) => r.role ?? "–" },
			{ name: "peer", heading: "Peer", upwards: true, value: (r) => r.peer, cell: (r) => r.peer },
			{ name: "local", heading: "Local", kind: "narrow", upwards: true, value: (r) => r.local, cell: (r) => r.local },
			{ name: "tls", heading: "TLS", kind: "narrow", upwards: true, value: (r) => r.tls, cell: (r) => `${r.tls}${r.name ? ` (${r.name})` : ""}` },
			{ name: "version", heading: "HTTP", value: (r) => r.version, cell: (r) => r.version ?? r.protocol ?? make("span", { class: "soft" }, r.opaque ? `not read: ${r.opaque}` : "–") },
			{ name: "exchanges", heading: "Exchanges", kind: "number", value: (r) => r.exchanges, cell: (r) => count(r.exchanges) },
			{ name: "errors", heading: "Errors", kind: "number", value: (r) => r.errors, cell: (r) => make("span", { class: r.errors ? "bad" : "soft" }, count(r.errors)) },
			{ name: "moved", heading: "Moved", kind: "number narrow", value: (r) => r.moved, cell: (r) => bytes(r.moved) },
		],
	});
	const empty = make("p", { class: "empty" }, "No connection yet.");

	async function load() {
		clearTimeout(timer);
		try {
			const answer = await askJson("/api/connections", { filter: store.filter, limit: 1000 });
			const rows = answer.connections.map(flat).filter((r) => which.value === "all" || (which.value === "open" ? r.open : r.exchanges > 0));
			if (closed)
				return;
			table.set(rows);
			empty.hidden = rows.length > 0;
			table.element.hidden = !rows.length;
			put(note, `${many(rows.length, "connection")}${answer.more ? ", of the last 1,000" : ""}`);
		} catch {
			put(note, "hark does not answer");
		}
		if (!closed)
			timer = setTimeout(load, EVERY_MS);
	}

	app.main.replaceChildren(make("div", { class: "bar" }, make("h1", {}, "Connections"), make("label", { for: "which", class: "soft" }, "Show"), which, note), table.element, empty);
	load();
	return () => {
		closed = true;
		clearTimeout(timer);
	};
}

function bar(x, from, span) {
	const lane = make("div", { class: "lane", "aria-hidden": "true" });
	const start = Date.parse(x.time), duration = x["hark.duration_ms"] ?? 0, first = Math.min(x["hark.ttfb_ms"] ?? duration, duration);
	for (const [kind, at, length] of [["wait", start, first], ["receive", start + first, duration - first]]) {
		const piece = make("i", { class: kind });
		piece.style.left = `${(at - from) / span * 100}%`;
		piece.style.width = `${length / span * 100}%`;
		lane.append(piece);
	}
	return lane;
}

// The streams of one connection, each where it stood in time.
export async function connectionDetail(app, id) {
	const close = make("button", { type: "button", onclick: () => app.closeDetail() }, "Close");
	const answer = await askJson("/api/exchanges", { connection: Number(id), limit: 300 });
	const found = answer.exchanges.filter(({ exchange: x }) => x.time).reverse();
	const head = make("div", { class: "detail-head" }, make("h2", {}, `Connection ${found[0]?.exchange["hark.connection.number"] ?? Number(id)}`), close);
	if (!found.length)
		return [head, make("section", { class: "part" }, make("p", {}, "None of its exchanges is kept."))];
	const x = found[0].exchange;
	const from = Math.min(...found.map(({ exchange }) => Date.parse(exchange.time)));
	const to = Math.max(...found.map(({ exchange }) => Date.parse(exchange.time) + (exchange["hark.duration_ms"] || 0)));
	const span = Math.max(0.001, to - from);
	const about = [["process", `${x["process.executable.name"] ?? x["thread.name"] ?? "?"}[${x["process.pid"] ?? "?"}], ${x["hark.role"] ?? "unknown side"}`],
		["peer", address(x["network.peer.address"], x["network.peer.port"])], ["local", address(x["network.local.address"], x["network.local.port"])],
		["TLS", x["tls.library"] || (x.tls ? "yes" : "no")], ["span", ms(span)]];
	return [head,
		make("section", { class: "part" }, make("h3", {}, "What it is"), make("dl", {}, about.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]))),
		make("section", { class: "part" }, make("h3", {}, `Waterfall of ${many(found.length, "exchange")}`),
			make("p", { class: "legend" }, make("span", {}, make("i", { class: "wait" }), "until the first byte"), make("span", {}, make("i", { class: "receive" }), "receiving"))),
		make("div", { role: "list", "aria-label": "Waterfall" }, found.map(({ number, failed, exchange }) => make("div", { class: "flow", role: "listitem" },
			make("button", { type: "button", class: "link observed", onclick: () => app.go(`exchange/${number}`) },
				make("span", { class: statusClass(exchange["http.response.status_code"], failed) }, `${exchange["http.response.status_code"] ?? "–"} `),
				`${exchange["http.request.method"] ?? "?"} ${exchange["url.path"] ?? ""}${exchange["hark.stream"] ? ` (stream ${exchange["hark.stream"]})` : ""}`),
			bar(exchange, from, span), make("span", { class: "number" }, ms(exchange["hark.duration_ms"])))))];
}
