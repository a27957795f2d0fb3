// SPDX-License-Identifier: Apache-2.0
// What is shown, and how it gets into the page: always as text. What was observed is hostile: nothing of it is ever HTML, an
// attribute that acts, or an address; characters that reorder or hide text are shown by their number.

const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

export const harmless = (text) => String(text).replace(HARMFUL, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {}))
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (value === true)
			element.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, harmless(value));
	for (const child of children.flat())
		if (child !== null && child !== undefined && child !== false)
			element.append(child instanceof Node ? child : document.createTextNode(harmless(child)));
	return element;
}

export const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// An element's text, where it differs: most cells of a list stay as they are.
export function put(element, text) {
	text = harmless(text);
	if (element.textContent !== text)
		element.textContent = text;
}

export function ms(value) {
	if (value === undefined || value === null)
		return "–";
	if (value >= 100000)
		return `${(value / 1000).toFixed(0)} s`;
	if (value >= 1000)
		return `${(value / 1000).toFixed(2)} s`;
	if (value >= 100)
		return `${value.toFixed(0)} ms`;
	if (value >= 1)
		return `${value.toFixed(1)} ms`;
	if (value >= 0.001 || value === 0)
		return `${(value * 1000).toFixed(0)} µs`;
	return `${(value * 1e6).toFixed(0)} ns`;
}

export function bytes(value) {
	if (value === undefined || value === null)
		return "–";
	for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
		if (value >= size)
			return `${(value / size).toFixed(value >= 100 * size ? 0 : 1)} ${unit}`;
	return `${value} B`;
}

export const count = (value) => Number(value || 0).toLocaleString("en");
export const many = (value, word) => `${count(value)} ${word}${value === 1 ? "" : "s"}`;
export const rate = (value) => (value === undefined ? "–" : value === 0 ? "0" : value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2));

// "14:03:21.042", of the browser's time zone.
export function clock(time) {
	if (!time)
		return "–";
	const date = new Date(time);
	const two = (n) => String(n).padStart(2, "0");
	return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export const statusClass = (status, failed) =>
	status >= 500 || (failed && !(status >= 400)) ? "bad" : status >= 400 ? "warn" : status >= 300 ? "info" : status >= 200 ? "good" : "soft";

// Where a duration stands between 10 µs and 100 s, from 0 to 1.
export const place = (value) => Math.min(1, Math.max(0, (Math.log10(Math.max(value, 0.01)) + 2) / 7));
export const LATENCY_TICKS = [0.01, 0.1, 1, 10, 100, 1000, 10000, 100000];

// Of sorted numbers.
export const quantile = (sorted, share) => sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : undefined;
