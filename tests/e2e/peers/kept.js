// SPDX-License-Identifier: Apache-2.0
// Connections that are kept: node kept.js fetch|https|http2 PORT COUNT ROUNDS GATE asks /one?n=N.0 on COUNT connections at
// once and says "ready"; once somebody wrote to the FIFO GATE it asks /one?n=N.K on each of them, ROUNDS times.
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const [way, port, count, rounds, gate] = process.argv.slice(2);
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');

const clients = {
	https() {
		const agent = new https.Agent({ keepAlive: true, maxFreeSockets: Infinity });

		return path => new Promise((resolve, reject) => {
			https.get({ port, host: '127.0.0.1', path, agent }, answer => answer.resume().on('end', resolve))
				.on('error', reject);
		});
	},
	http2() {
		const sessions = [...Array(Number(count))].map(() => http2.connect(`https://127.0.0.1:${port}`));

		return (path, n) => new Promise((resolve, reject) => {
			sessions[n].request({ ':path': path }).on('error', reject).on('end', resolve).resume().end();
		});
	},
	async fetch() {
		const dispatcher = Symbol.for('undici.globalDispatcher.1');

		await fetch('data:,'); // which makes it
		globalThis[dispatcher] = new globalThis[dispatcher].constructor({ keepAliveTimeout: 60000 });
		return async path => (await fetch(`https://127.0.0.1:${port}${path}`)).text();
	},
};

(async () => {
	const ask = await clients[way]();

	for (let k = 0; k <= rounds; k++) {
		await Promise.all([...Array(Number(count)).keys()].map(n => ask(`/one?n=${n}.${k}`, n)));
		if (k === 0) {
			console.log('ready');
			await fs.promises.readFile(gate);
		}
	}
	process.exit(0);
})();
