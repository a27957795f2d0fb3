// SPDX-License-Identifier: Apache-2.0
// A table whose headings sort, and whose rows can be chosen with the keyboard.

import { make } from "./text.js";

export class Table {
	// columns: { name, heading, kind, value(row), cell(row) }; key(row): what makes it the same in the next picture.
	constructor({ label, columns, key, chosen, sort, descending = true }) {
		Object.assign(this, { columns, key, chosen, sort, descending, rows: [], selected: null });
		this.heads = columns.map((column) => make("th", { scope: "col", class: column.kind || "" },
			column.value ? make("button", { type: "button", onclick: () => this.sortBy(column) }, column.heading) : column.heading));
		this.body = make("tbody");
		this.element = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label, onkeydown: (event) => this.keyed(event) },
			make("table", {}, make("thead", {}, make("tr", {}, this.heads)), this.body));
	}

	sortBy(column) {
		this.descending = this.sort === column.name ? !this.descending : !column.upwards;
		this.sort = column.name;
		this.set(this.rows);
	}

	set(rows) {
		const column = this.columns.find(({ name }) => name === this.sort);
		this.rows = rows;
		this.heads.forEach((head, i) => this.columns[i].name === this.sort
			? head.setAttribute("aria-sort", this.descending ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
		const sorted = [...rows].sort((a, b) => {
			const [x, y] = [column.value(a), column.value(b)];
			const order = typeof x === "string" || typeof y === "string" ? String(x ?? "").localeCompare(String(y ?? "")) : (x ?? -1) - (y ?? -1);
			return this.descending ? -order : order;
		});
		const focused = document.activeElement?.closest?.("tr")?.dataset.key, inside = this.body.contains(document.activeElement);
		this.body.replaceChildren(...sorted.map((row) => this.row(row)));
		if (inside)
			[...this.body.children].find((tr) => tr.dataset.key === focused)?.querySelector("button")?.focus({ preventScroll: true });
	}

	row(row) {
		const key = this.key(row);
		const tr = make("tr", { onclick: () => this.choose(row) }, this.columns.map((column, i) => {
			const content = column.cell(row);
			const cell = make("td", { class: column.kind || "" }, i === this.main() && this.chosen
				? make("button", { type: "button", class: "link observed" }, content) : content);
			return cell;
		}));
		tr.dataset.key = key;
		if (this.selected === key)
			tr.setAttribute("aria-selected", "true");
		return tr;
	}

	main() {
		return Math.max(0, this.columns.findIndex(({ main }) => main));
	}

	choose(row) {
		this.selected = this.selected === this.key(row) ? null : this.key(row);
		for (const tr of this.body.children)
			tr.dataset.key === this.selected ? tr.setAttribute("aria-selected", "true") : tr.removeAttribute("aria-selected");
		this.chosen?.(this.selected === null ? null : row);
	}

	keyed(event) {
		const rows = [...this.body.querySelectorAll("tr")], at = rows.indexOf(document.activeElement?.closest?.("tr"));
		const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (!step || !rows.length)
			return;
		rows[Math.min(rows.length - 1, Math.max(0, at + step))].querySelector("button")?.focus();
		event.preventDefault();
	}
}
