// SPDX-License-Identifier: Apache-2.0
// One exchange: what it was, where its time went, header fields, bodies, the command that sends it again.

import { ask } from "./data.js";
import { bytes, make, ms, put, statusClass } from "./text.js";

const PARTS = [["connect", "Connect", "hark.connect_ms"], ["tls", "TLS handshake", "hark.tls_handshake_ms"], ["idle", "Idle", "hark.idle_ms"],
	["send", "Send", "hark.send_ms"], ["wait", "Wait", "hark.wait_ms"], ["receive", "Receive", "hark.receive_ms"]];
const LISTED = /^(http\.(request|response)\.(header|trailer|body|interim)|hark\.(connect|tls_handshake|idle|send|wait|receive)_ms)/;
const FIRST = ["http.request.method", "http.response.status_code", "url.scheme", "server.address", "server.port", "url.path", "url.query",
	"http.route", "hark.duration_ms", "hark.ttfb_ms", "hark.server_ms", "hark.network_ms", "process.executable.name", "process.pid"];

const part = (heading, ...content) => make("section", { class: "part" }, make("h3", {}, heading), content);

const list = (pairs) => make("dl", {}, pairs.flatMap(([name, value]) => [make("dt", { class: "observed" }, name ?? "(unknown)"), make("dd", {}, value ?? "(unknown)")]));

function timing(x) {
	const parts = PARTS.filter(([, , key]) => x[key] !== undefined);
	const total = parts.reduce((sum, [, , key]) => sum + x[key], 0);
	if (!total)
		return x["hark.duration_ms"] === undefined ? null : part("Time", list([["duration", ms(x["hark.duration_ms"])]]));
	let at = 0;
	return part("Time", make("div", { class: "split" }, parts.flatMap(([kind, name, key]) => {
		const lane = make("div", { class: "lane", "aria-hidden": "true" }, make("i", { class: kind }));
		lane.firstChild.style.left = `${at / total * 100}%`;
		lane.firstChild.style.width = `${x[key] / total * 100}%`;
		at += x[key];
		return [make("span", {}, name), lane, make("span", { class: "number" }, ms(x[key]))];
	})));
}

function pretty(text, type) {
	if (/json/.test(type) || /^\s*[[{]/.test(text)) {
		try {
			return JSON.stringify(JSON.parse(text), null, 2);
		} catch { /* cut, or none */ }
	}
	return text;
}

// /api/exchange tells of bodies always: without one, hark kept none.
function body(x, side) {
	const value = x[`http.${side}.body`], size = x[`http.${side}.body.size`];
	const heading = side === "request" ? "Request body" : "Response body";
	const type = (x[`http.${side}.header`] || []).find(([name]) => name?.toLowerCase() === "content-type")?.[1] || "";
	if (value === undefined)
		return size ? part(heading, make("p", { class: "soft" }, `${bytes(size)}; not kept (hark serve -vv keeps bodies)`)) : null;
	const text = typeof value === "string" ? pretty(value, type) : `${value.base64} (base64)`;
	return part(heading, make("p", { class: "soft" }, `${type ? `${type}, ` : ""}${bytes(size)}${x[`http.${side}.body.truncated`] ? ", cut" : ""}`),
		make("pre", { class: "body", tabindex: 0, "aria-label": heading }, text));
}

async function copy(text, button) {
	try {
		await navigator.clipboard.writeText(text);
	} catch { // no secure context: a selection does as well
		const area = make("textarea", {});
		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand("copy");
		area.remove();
	}
	put(button, "Copied");
	setTimeout(() => put(button, "Copy as curl"), 1500);
}

export async function exchangeDetail(app, number) {
	const close = make("button", { type: "button", onclick: () => app.closeDetail() }, "Close");
	const answer = await ask(`/api/exchange/${Number(number)}`);
	if (!answer.ok)
		return [make("div", { class: "detail-head" }, make("h2", {}, `Exchange ${Number(number)}`), close), part("Gone", make("p", {}, await answer.text()))];
	const { exchange: x, failed, curl } = await answer.json();
	const status = x["http.response.status_code"];
	const button = make("button", { type: "button", onclick: () => copy(curl, button) }, "Copy as curl");
	const rest = Object.entries(x).filter(([key]) => !LISTED.test(key)).map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]);
	const rank = ([key]) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
	const url = `${x["url.scheme"] ? `${x["url.scheme"]}://` : ""}${x["server.address"] ?? "?"}${x["server.port"] && ![80, 443].includes(x["server.port"]) ? `:${x["server.port"]}` : ""}${x["url.path"] ?? ""}${x["url.query"] ? `?${x["url.query"]}` : ""}`;
	const fields = (heading, pairs) => (pairs?.length ? part(heading, list(pairs)) : null);
	return [
		make("div", { class: "detail-head" }, make("h2", { class: "observed" },
			make("span", { class: statusClass(status, failed) }, `${status ?? (failed ? "no answer" : "–")} `), `${x["http.request.method"] ?? "?"} ${url}`), curl && button, close),
		timing(x),
		part("What it is", list(rest.sort((a, b) => rank(a) - rank(b))),
			make("p", {}, make("button", { type: "button", class: "whole", onclick: () => app.go(`connection/${Number(x["hark.connection"])}`) }, "All of its connection"))),
		fields("Request header", x["http.request.header"]), body(x, "request"), fields("Request trailer", x["http.request.trailer"]),
		fields("Response header", x["http.response.header"]), body(x, "response"), fields("Response trailer", x["http.response.trailer"]),
		curl && part("As curl", make("pre", { class: "body", tabindex: 0, "aria-label": "Command" }, curl)),
	].filter(Boolean);
}
