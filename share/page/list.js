// SPDX-License-Identifier: Apache-2.0
// A list of any length of which only the rows in sight are in the page. It follows its end until the user scrolls away from it.

import { make } from "./text.js";

export class List {
	// columns: [heading, class]; fill(cells, item, row) writes a row; chosen(item): Enter, or a click.
	constructor({ label, columns, height, fill, chosen, id }) {
		this.height = height;
		this.fill = fill;
		this.chosen = chosen;
		this.columns = columns;
		this.items = [];
		this.at = -1; // the selected one
		this.following = true;
		this.rows = [];
		this.id = id;
		this.head = make("div", { class: "row head", role: "row", "aria-rowindex": 1 },
			columns.map(([heading, kind]) => make("div", { class: `cell ${kind}`, role: "columnheader" }, heading)));
		this.body = make("div", { class: "body", role: "rowgroup" });
		this.element = make("div", { class: "grid", role: "grid", tabindex: 0, "aria-label": label, "aria-colcount": columns.length,
			onscroll: () => this.scrolled(), onkeydown: (event) => this.key(event) }, make("div", { role: "rowgroup", class: "headgroup" }, this.head), this.body);
		this.observer = new ResizeObserver(() => this.show());
		this.observer.observe(this.element);
	}

	close() {
		this.observer.disconnect();
	}

	// dropped: so many went at the front.
	set(items, dropped = 0) {
		this.items = items;
		if (dropped && this.at >= 0)
			this.at = Math.max(-1, this.at - dropped);
		this.body.style.height = `${items.length * this.height}px`;
		this.element.setAttribute("aria-rowcount", items.length + 1);
		if (this.following)
			this.toEnd();
		else if (dropped)
			this.element.scrollTop = Math.max(0, this.element.scrollTop - dropped * this.height);
		this.show();
	}

	toEnd() {
		this.element.scrollTop = this.element.scrollHeight;
	}

	follow(following) {
		this.following = following;
		if (following)
			this.toEnd();
		this.show();
	}

	scrolled() {
		const following = this.element.scrollTop + this.element.clientHeight >= this.element.scrollHeight - this.height;
		if (following !== this.following) {
			this.following = following;
			this.onfollow?.(following);
		}
		this.show();
	}

	row(i) {
		while (this.rows.length <= i) {
			const cells = this.columns.map(([, kind]) => make("div", { class: `cell ${kind}`, role: "gridcell" }));
			const element = make("div", { class: "row", role: "row", onclick: (event) => this.clicked(event) }, cells);
			this.rows.push({ element, cells, index: -1 });
			this.body.append(element);
		}
		return this.rows[i];
	}

	show() {
		const first = Math.max(0, Math.floor(this.element.scrollTop / this.height) - 6);
		const shown = Math.min(this.items.length - first, Math.ceil(this.element.clientHeight / this.height) + 12);
		for (let i = 0; i < shown; i++) {
			const row = this.row(i), index = first + i;
			row.index = index;
			row.element.hidden = false;
			row.element.id = `${this.id}-${index}`;
			row.element.style.transform = `translateY(${index * this.height}px)`;
			row.element.setAttribute("aria-rowindex", index + 2);
			row.element.setAttribute("aria-selected", index === this.at);
			this.fill(row.cells, this.items[index], row.element);
		}
		for (let i = Math.max(0, shown); i < this.rows.length; i++)
			this.rows[i].element.hidden = true;
		const active = this.at >= first && this.at < first + shown ? `${this.id}-${this.at}` : null;
		if (active)
			this.element.setAttribute("aria-activedescendant", active);
		else
			this.element.removeAttribute("aria-activedescendant");
	}

	select(index, open) {
		if (!this.items.length)
			return;
		this.at = Math.min(this.items.length - 1, Math.max(0, index));
		const top = this.at * this.height, head = this.head.offsetHeight, element = this.element;
		if (top < element.scrollTop)
			element.scrollTop = top;
		else if (top + this.height + head > element.scrollTop + element.clientHeight)
			element.scrollTop = top + this.height + head - element.clientHeight;
		this.show();
		if (open)
			this.chosen(this.items[this.at]);
	}

	clicked(event) {
		const row = this.rows.find(({ element }) => element === event.currentTarget);
		this.element.focus({ preventScroll: true });
		this.select(row.index, true);
	}

	key(event) {
		const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 2);
		const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, j: 1, k: -1 };
		const from = this.at < 0 ? Math.floor(this.element.scrollTop / this.height) : this.at;
		if (event.altKey || event.ctrlKey || event.metaKey)
			return;
		if (event.key in steps)
			this.select(this.at < 0 ? from : from + steps[event.key], false);
		else if (event.key === "Home")
			this.select(0, false);
		else if (event.key === "End")
			this.select(this.items.length - 1, false);
		else if (event.key === "Enter" && this.at >= 0)
			this.chosen(this.items[this.at]);
		else
			return;
		event.preventDefault();
	}
}
