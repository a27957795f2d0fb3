// SPDX-License-Identifier: Apache-2.0
// A client at work until SIGTERM: node steady.js URL LANES asks URL?n=N on as many kept connections; each answer must be
// 200 and have the bytes of the first one. Then it says how many were asked, and "all right".
const https = require('https');
const [url, lanes] = process.argv.slice(2);
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
let asked = 0, first, ends = false;

process.on('SIGTERM', () => { ends = true; });

function ask() {
	return new Promise((resolve, reject) => {
		https.get(`${url}?n=${asked++}`, { agent }, answer => {
			const pieces = [];

			answer.on('data', piece => pieces.push(piece)).on('error', reject).on('end', () => {
				const body = Buffer.concat(pieces);

				first = first || body;
				if (answer.statusCode === 200 && body.equals(first))
					resolve();
				else
					reject(new Error(`${answer.statusCode} ${body}`));
			});
		}).on('error', reject);
	});
}

async function lane() {
	while (!ends)
		await ask();
}

Promise.all([...Array(Number(lanes))].map(lane)).then(() => {
	console.log(`${asked} all right`);
	process.exit(0);
}, error => {
	console.log(error.message);
	process.exit(1);
});
