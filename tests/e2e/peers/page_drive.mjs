// SPDX-License-Identifier: Apache-2.0
// A browser that does what stdin says, a JSON object a line, and answers each with one: node page_drive.mjs TOOLS CHROMIUM
//   {"open": URL, "scheme": "dark", "width": 1360, "height": 800}   {"eval": "an expression"}   {"until": "an expression that gets true"}
//   {"click": "selector"}   {"type": "text", "into": "selector"}   {"key": "Enter"}   {"axe": true}   {"said": true}   {"picture": FILE}
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [tools, chromium] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${tools}/node_modules/`));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const said = { requests: [], messages: [], errors: [] };
page.on("request", (request) => request.url() === "about:blank" || said.requests.push(request.url()));
page.on("console", (message) => said.messages.push(message.text()));
page.on("pageerror", (error) => said.errors.push(error.message));
page.on("dialog", (dialog) => { // nobody asks for one but what was injected
	said.errors.push(`dialog: ${dialog.message()}`);
	dialog.dismiss();
});

async function act(asked) {
	if (asked.open) {
		await page.goto("about:blank"); // what the one before asks for still is not this one's
		for (const list of Object.values(said))
			list.length = 0;
		await page.setViewport({ width: asked.width || 1360, height: asked.height || 800 });
		await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: asked.scheme || "light" }]);
		await page.goto(asked.open, { waitUntil: "domcontentloaded" });
	} else if (asked.eval) {
		return page.evaluate(asked.eval);
	} else if (asked.until) {
		await page.waitForFunction(asked.until, { timeout: 25000, polling: 50 });
	} else if (asked.click) {
		await page.click(asked.click);
	} else if (asked.into) {
		await page.$eval(asked.into, (input) => (input.value = ""));
		await page.type(asked.into, asked.type);
	} else if (asked.key) {
		await page.keyboard.press(asked.key);
	} else if (asked.axe) { // by the debugger: the page's policy lets no script in
		await page.evaluate(axe);
		const { violations } = await page.evaluate("axe.run()");
		return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary}`).slice(0, 3).join("; ")}`);
	} else if (asked.picture) {
		await page.screenshot({ path: asked.picture });
	}
	return asked.said ? said : null;
}

for await (const line of createInterface({ input: process.stdin })) {
	try {
		console.log(JSON.stringify({ value: (await act(JSON.parse(line))) ?? null }));
	} catch (error) {
		console.log(JSON.stringify({ error: error.message }));
	}
}
await browser.close();
