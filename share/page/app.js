// SPDX-License-Identifier: Apache-2.0
// The frame: which view is shown (the address behind #), the filter of all of them, what the server says of itself.

import { connectionDetail, connectionsView } from "./connections.js";
import { ask, onTokenNeeded, setToken, store } from "./data.js";
import { endpointsView } from "./endpoints.js";
import { exchangeDetail } from "./detail.js";
import { exchangesView } from "./exchanges.js";
import { mapView } from "./map.js";
import { modelsView } from "./models.js";
import { make, put, rate } from "./text.js";

const VIEWS = { endpoints: endpointsView, exchanges: exchangesView, connections: connectionsView, map: mapView, models: modelsView };
const DETAILS = { exchange: exchangeDetail, connection: connectionDetail };
const HEALTH_MS = 3000, RATE_MS = 5000; // the rate is that of the last five seconds: of a page that was there by then
const at = (id) => document.getElementById(id);

const app = {
	main: at("main"),
	view: "",
	leave: null,
	back: null, // what had the focus before the details

	go(where) {
		location.hash = where;
	},

	closeDetail() {
		app.go(app.view);
		app.back?.focus?.({ preventScroll: true });
	},

	// A filter of a view's own making, and where its exchanges show.
	async filter(words, view) {
		at("words").value = words;
		await apply();
		app.go(view);
	},
};

async function showDetail(kind, id) {
	const panel = at("detail");
	if (panel.hidden)
		app.back = document.activeElement;
	const content = await DETAILS[kind](app, id).catch((error) => [make("section", { class: "part" }, make("p", {}, error.message))]);
	if (location.hash !== `#${kind}/${id}`)
		return; // another one meanwhile
	panel.replaceChildren(...content);
	panel.hidden = false;
	panel.scrollTop = 0;
	panel.dataset.shown = `${kind}/${id}`;
}

function route() {
	const [kind, id] = location.hash.slice(1).split("/");
	const view = Object.hasOwn(VIEWS, kind) ? kind : app.view || (kind === "connection" ? "connections" : kind === "exchange" ? "exchanges" : "endpoints");
	if (view !== app.view) {
		app.leave?.();
		app.view = view;
		app.leave = VIEWS[view](app);
		document.title = `hark: ${view}`;
		for (const link of document.querySelectorAll("nav a"))
			link.getAttribute("href") === `#${view}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
	}
	if (Object.hasOwn(DETAILS, kind))
		showDetail(kind, id);
	else
		at("detail").hidden = true;
}

async function apply() {
	const wrong = at("wrong"), words = at("words");
	try {
		await store.open(words.value.trim());
		wrong.hidden = true;
		words.removeAttribute("aria-invalid");
	} catch (error) {
		put(wrong, error.message.trimEnd());
		wrong.hidden = false;
		words.setAttribute("aria-invalid", "true");
	}
}

async function health() {
	const status = at("status");
	try {
		const answer = await (await ask("/healthz")).json();
		const losses = Number(answer.losses) || 0;
		store.source = answer.source || store.source;
		put(status, `${store.source === "recording" ? "recording" : `live${performance.now() > RATE_MS ? `, ${rate(store.rate())}/s` : ""}`}${losses ? ", something was lost" : ""}${answer.reason ? `, ${answer.reason}` : ""}`);
		at("pause").hidden = store.source === "recording";
		status.classList.toggle("lossy", losses > 0 || Boolean(answer.reason));
	} catch {
		put(status, "hark does not answer");
		status.classList.add("lossy");
	}
}

function theme(chosen) {
	if (chosen)
		document.documentElement.dataset.theme = chosen;
	const dark = (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
	put(at("theme"), dark ? "Light" : "Dark");
	at("theme").setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
	return dark;
}

let asking = null;
onTokenNeeded(() => {
	asking = asking || new Promise((resolve) => {
		at("token").value = "";
		at("login").addEventListener("close", () => {
			setToken(at("token").value);
			asking = null;
			resolve();
		}, { once: true });
		at("login").showModal();
	});
	return asking;
});

at("filter").addEventListener("submit", (event) => {
	event.preventDefault();
	apply();
});
at("words").addEventListener("search", () => at("words").value || apply()); // its x; Enter submits
at("pause").addEventListener("click", ({ currentTarget }) => {
	const paused = currentTarget.getAttribute("aria-pressed") !== "true";
	currentTarget.setAttribute("aria-pressed", String(paused));
	store.setPaused(paused);
});
at("theme").addEventListener("click", () => {
	const chosen = theme() ? "light" : "dark";
	localStorage.setItem("hark.theme", chosen);
	theme(chosen);
});
addEventListener("hashchange", route);
addEventListener("keydown", (event) => {
	if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
		at("words").focus();
		event.preventDefault();
	} else if (event.key === "Escape" && !at("detail").hidden && !at("login").open) {
		app.closeDetail();
	}
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
theme(localStorage.getItem("hark.theme"));
await health();
await apply();
route();
setInterval(health, HEALTH_MS);
