// SPDX-License-Identifier: Apache-2.0
// Calls of language models, as their bodies tell of them: by model, and the last ones.

import { store } from "./data.js";
import { clock, count, make, many, ms, put, quantile, statusClass } from "./text.js";
import { statusText, who } from "./exchanges.js";

const EVERY_MS = 1500, LAST = 200;

export function modelsView(app) {
	const note = make("span", { class: "note" }), cards = make("div", { class: "cards" }), body = make("tbody");
	const headings = ["Time", "Model", "Operation", "Status", "Client → server", "Input", "Output", "First byte", "Duration"];
	const table = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Calls of models" }, make("table", {}, make("thead", {}, make("tr", {},
		headings.map((heading, i) => make("th", { scope: "col", class: i > 4 ? "number" : i === 4 ? "narrow" : "" }, heading)))), body));
	const empty = make("p", { class: "empty" }, "No call of a language model was seen: of OpenAI's, Anthropic's, Gemini's or Ollama's API, or of one that speaks like them.");
	let version = -1;

	function show() {
		if (version === store.version)
			return;
		version = store.version;
		const calls = store.records.map((r) => (r.model ? r : r.other?.model ? { ...r, ...r.other, number: r.number } : null)).filter(Boolean);
		const models = Map.groupBy(calls, (r) => r.model);
		empty.hidden = calls.length > 0;
		cards.hidden = table.hidden = !calls.length;
		put(note, many(calls.length, "call"));
		cards.replaceChildren(...[...models].sort((a, b) => b[1].length - a[1].length).map(([model, its]) => {
			const times = its.map((r) => r.duration).filter((t) => t !== undefined).sort((a, b) => a - b), failed = its.filter((r) => r.failed).length;
			const sum = (key) => its.some((r) => r[key] !== undefined) ? count(its.reduce((total, r) => total + (r[key] || 0), 0)) : "–";
			const facts = [["calls", count(its.length)], ["failed", failed ? make("span", { class: "bad" }, count(failed)) : "0"], ["tokens in", sum("inputTokens")],
				["tokens out", sum("outputTokens")], ["p50, p99", `${ms(quantile(times, 0.5))}, ${ms(quantile(times, 0.99))}`]];
			return make("div", { class: "card" }, make("h2", {}, model), make("dl", {}, facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
		}));
		body.replaceChildren(...calls.slice(-LAST).reverse().map((r) => make("tr", { onclick: () => app.go(`exchange/${r.number}`) }, make("td", {}, clock(r.start)),
			make("td", {}, make("button", { type: "button", class: "link observed" }, r.model)), make("td", {}, r.task ?? "–"),
			make("td", {}, make("span", { class: statusClass(r.status, r.failed) }, statusText(r))), make("td", { class: "narrow observed" }, who(r)),
			make("td", { class: "number" }, r.inputTokens ?? "–"), make("td", { class: "number" }, r.outputTokens ?? "–"), make("td", { class: "number" }, ms(r.first)),
			make("td", { class: "number" }, ms(r.duration)))));
	}

	const timer = setInterval(show, EVERY_MS);
	const changed = ({ detail }) => detail?.all && show();
	store.addEventListener("change", changed);
	app.main.replaceChildren(make("div", { class: "bar" }, make("h1", {}, "Model calls"), note), cards, table, empty);
	show();
	return () => {
		clearInterval(timer);
		store.removeEventListener("change", changed);
	};
}
