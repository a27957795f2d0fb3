// SPDX-License-Identifier: Apache-2.0
// The exchanges that pass the filter, as they end: one line each, the newest at the end.

import { store } from "./data.js";
import { List } from "./list.js";
import { bytes, clock, count, make, many, ms, place, put, statusClass } from "./text.js";

export const statusText = (r) => (r.grpc ? `${r.status ?? ""} grpc:${r.grpc}` : r.status ?? (r.failed ? "none" : "–"));
export const target = (r) => `${r.host ?? "?"}${r.port && ![80, 443].includes(r.port) ? `:${r.port}` : ""}${r.path ?? ""}${r.query ? `?${r.query}` : ""}`;

// The end that asked and the one that answered; null: not seen.
export function sides(r) {
	const of = (role) => [r, r.other].find((end) => end?.role === role) ?? null;
	return { client: of("client"), server: of("server") };
}

// "curl → nginx" where both are known.
export function who(r) {
	const { client, server } = sides(r);
	const named = (end) => end && `${end.program ?? "?"}[${end.pid ?? "?"}]`;
	if (client && server)
		return `${named(client)} → ${named(server)}`;
	if (client)
		return `${named(client)} →`;
	return server ? `→ ${named(server)}` : named(r);
}

function fillRow(cells, r) {
	const [time, status, method, url, process, size, duration, bar] = cells;
	put(time, clock(r.start));
	put(status, statusText(r));
	status.className = `cell number ${statusClass(r.status, r.failed)}`;
	put(method, r.method ?? "?");
	put(url, target(r));
	put(process, who(r));
	put(size, bytes(r.received));
	put(duration, ms(r.duration));
	if (!bar.firstChild)
		bar.append(make("div", { class: "range", "aria-hidden": "true" }, make("i")));
	const from = place(r.first ?? 0), to = place(r.duration ?? 0), line = bar.firstChild.firstChild;
	line.style.left = "0";
	line.style.width = `${to * 100}%`;
	line.style.opacity = r.duration === undefined ? "0" : String(0.45 + 0.55 * (to ? from / to : 0));
}

export function exchangesView(app) {
	const total = make("span", { class: "note" });
	const follow = make("button", { type: "button", "aria-pressed": "true", onclick: () => list.follow(follow.getAttribute("aria-pressed") !== "true") || seen() }, "Follow");
	const list = new List({
		id: "exchange", label: "Exchanges, the newest last", height: 26, fill: fillRow, chosen: (r) => app.go(`exchange/${r.number}`),
		columns: [["Time", "narrow"], ["Status", "number"], ["Method", "method"], ["URL", "path"], ["Client → server", "narrow"],
			["Size", "number narrow"], ["Duration", "number"], ["10 µs … 100 s", "narrow"]],
	});
	const empty = make("p", { class: "empty" });
	const seen = () => follow.setAttribute("aria-pressed", String(list.following));
	list.onfollow = seen;

	function show({ detail }) {
		list.set(store.records, detail?.dropped);
		put(total, `${many(store.records.length, "exchange")}${store.missed ? `, ${count(store.missed)} too many to be shown` : ""}`);
		empty.hidden = store.records.length > 0;
		put(empty, store.filter ? "No exchange passes the filter (yet)." : "No exchange yet. What programs on this machine ask and answer by HTTP shows here.");
		list.element.hidden = !store.records.length;
	}

	store.addEventListener("change", show);
	app.main.replaceChildren(make("div", { class: "bar" }, make("h1", {}, "Exchanges"), follow, total), list.element, empty);
	show({});
	return () => {
		store.removeEventListener("change", show);
		list.close();
	};
}
