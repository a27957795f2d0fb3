// SPDX-License-Identifier: Apache-2.0
// What the server tells, and what is kept of it: the last exchanges that pass the filter, bounded. They come by /events in the
// order of their numbers and are handed on in batches, so that a thousand a second are ten pictures a second.

const KEPT = 20000;
const PAGES = 10; // of 1,000: what the server kept before the page was opened
const BATCH_MS = 90;
const LONGEST = 600; // characters of a name or path

let token = sessionStorage.getItem("hark.token") || "";
let askToken = null; // set by app.js: asks the user, resolves when there is one

export function onTokenNeeded(ask) {
	askToken = ask;
}

export function setToken(value) {
	token = value;
	sessionStorage.setItem("hark.token", value);
}

export async function ask(path, parameters = {}, signal = undefined) {
	const url = new URL(path, location.origin);
	for (const [name, value] of Object.entries(parameters))
		if (value !== "" && value !== undefined)
			url.searchParams.set(name, value);
	for (;;) {
		const answer = await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {}, signal, cache: "no-store" });
		if (answer.status !== 401 || !askToken)
			return answer;
		await askToken();
	}
}

export async function askJson(path, parameters, signal) {
	const answer = await ask(path, parameters, signal);
	if (!answer.ok)
		throw new Error(await answer.text());
	return answer.json();
}

// What a peer makes long is not kept 20,000 times.
const cut = (text) => (typeof text === "string" && text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

// What views need of an exchange; the whole of one is asked for by its number.
function brief({ number, failed, exchange: x }) {
	const duration = x["hark.duration_ms"];
	const start = x.time ? Date.parse(x.time) : 0;
	return {
		number, failed, start, duration, first: x["hark.ttfb_ms"], end: start + (duration || 0),
		method: x["http.request.method"], scheme: x["url.scheme"], host: cut(x["server.address"]), port: x["server.port"],
		path: cut(x["url.path"]), query: cut(x["url.query"]), route: cut(x["http.route"]), status: x["http.response.status_code"],
		role: x["hark.role"], connection: x["hark.connection"], peer: x["hark.peer_connection"], stream: x["hark.stream"],
		pid: x["process.pid"], program: x["process.executable.name"] || x["thread.name"], version: x["network.protocol.version"],
		tls: x.tls, sent: x["http.request.body.size"], received: x["http.response.body.size"],
		client: x["client.address"], peerAddress: x["network.peer.address"], peerPort: x["network.peer.port"],
		operation: cut(x["hark.operation"]), grpc: x["rpc.grpc.status_code"], flags: x["hark.flags"],
		model: cut(x["gen_ai.request.model"] || x["gen_ai.response.model"]), provider: x["gen_ai.provider.name"], task: x["gen_ai.operation.name"],
		inputTokens: x["gen_ai.usage.input_tokens"], outputTokens: x["gen_ai.usage.output_tokens"],
		other: null, // the same from its other end, where both are on this machine
	};
}

class Store extends EventTarget {
	constructor() {
		super();
		this.records = [];
		this.filter = "";
		this.paused = false;
		this.missed = 0;
		this.came = []; // [time, count] of batches, for the rate
		this.source = "";
		this.version = 0; // goes up with each change
		this.waiting = [];
		this.timer = 0;
		this.stop = null;
	}

	rate() {
		const since = performance.now() - 5000;
		while (this.came.length && this.came[0][0] < since)
			this.came.shift();
		return this.came.reduce((sum, [, n]) => sum + n, 0) / 5;
	}

	// Takes the filter over. Resolves when what was kept is there; rejects with what is wrong with it.
	async open(filter) {
		const stop = new AbortController();
		const found = [];
		let page = { before: undefined }, last = 0;
		for (let i = 0; i < PAGES && (i === 0 || page.before); i++) {
			page = await askJson("/api/exchanges", { filter, limit: 1000, before: page.before }, stop.signal);
			last = last || page.last;
			found.push(...page.exchanges);
		}
		this.stop?.abort();
		this.stop = stop;
		this.filter = filter;
		this.waiting = [];
		this.came = [];
		this.missed = 0;
		this.records = [];
		this.take(found.reverse(), true);
		this.follow(filter, last, stop.signal);
	}

	// Both ends of an exchange come one behind the other, and are one line.
	take(events, all) {
		let dropped = 0, added = 0;
		for (const event of events) {
			const record = brief(event), before = this.records[this.records.length - 1];
			if (before && !before.other && record.peer && before.connection === record.peer && before.peer === record.connection &&
			    record.number === before.number + 1) {
				before.other = record;
				continue;
			}
			this.records.push(record);
			added++;
		}
		if (this.records.length > KEPT) {
			dropped = this.records.length - KEPT;
			this.records.splice(0, dropped);
		}
		this.version++;
		this.dispatchEvent(new CustomEvent("change", { detail: { dropped, added, all } }));
	}

	flush() {
		this.timer = 0;
		const waiting = this.waiting;
		this.waiting = [];
		if (waiting.length)
			this.take(waiting, false);
	}

	setPaused(paused) {
		this.paused = paused;
		if (!paused)
			this.flush();
	}

	event(name, data) {
		if (name === "exchange") {
			this.waiting.push(JSON.parse(data));
		} else if (name === "missed") {
			this.missed += JSON.parse(data).missed;
		} else if (name === "begin") {
			this.source = JSON.parse(data).source;
		}
	}

	// Whole events of a text; what is left of it.
	events(text) {
		let from = 0, before = this.waiting.length;
		for (let end; (end = text.indexOf("\n\n", from)) >= 0; from = end + 2) {
			let name = "", data = "";
			for (const line of text.slice(from, end).split("\n"))
				if (line.startsWith("event: "))
					name = line.slice(7);
				else if (line.startsWith("data: "))
					data = line.slice(6);
			if (name)
				this.event(name, data);
		}
		this.came.push([performance.now(), this.waiting.length - before]);
		if (this.waiting.length > KEPT) { // paused for long
			this.missed += this.waiting.length - KEPT;
			this.waiting.splice(0, this.waiting.length - KEPT);
		}
		if (!this.paused && !this.timer && this.waiting.length)
			this.timer = setTimeout(() => this.flush(), BATCH_MS);
		return text.slice(from);
	}

	async follow(filter, last, signal) {
		while (!signal.aborted) {
			try {
				let answer = await ask("/events", { filter, from: last + 1 }, signal);
				if (!answer.ok) // another run, which counts from 1 again
					answer = await ask("/events", { filter }, signal);
				if (!answer.ok)
					throw new Error(await answer.text());
				const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
				let rest = "";
				for (;;) {
					const { value, done } = await reader.read();
					if (done)
						break;
					rest = this.events(rest + value);
					last = Math.max(last, this.waiting.at(-1)?.number ?? 0, this.records.at(-1)?.number ?? 0);
				}
			} catch (error) {
				if (signal.aborted)
					return;
			}
			await new Promise((resolve) => setTimeout(resolve, 1500));
		}
	}
}

export const store = new Store();
