// SPDX-License-Identifier: Apache-2.0
// Many connections at once: node many.js CLIENT PORT COUNT asks /one?n=N on a connection of its own each and says
// N with that connection's port; CLIENT is fetch, https or http2, of which fetch cannot tell its ports. Or a
// server: node many.js serve PORT CERT KEY. Or both in one process: node many.js both PORT COUNT CERT KEY.
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const [way, port, ...words] = process.argv.slice(2);
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');

function ask_https(n) {
	return new Promise((resolve, reject) => {
		const request = https.get({ port, host: '127.0.0.1', path: `/one?n=${n}`, agent: false }, answer => {
			const own = request.socket.localPort;

			answer.resume().on('end', () => resolve(own));
		}).on('error', reject);
	});
}

function ask_http2(n) {
	return new Promise((resolve, reject) => {
		const session = http2.connect(`https://127.0.0.1:${port}`);
		const request = session.on('error', reject).request({ ':path': `/one?n=${n}` });

		request.on('end', () => { resolve(session.socket.localPort); session.close(); });
		request.resume().end();
	});
}

async function ask_fetch(n) {
	await (await fetch(`https://127.0.0.1:${port}/one?n=${n}`)).text();
	return '?';
}

async function ask_all(ask, count) {
	await Promise.all([...Array(count).keys()].map(async n => console.log(n, await ask(n))));
	process.exit(0);
}

function serve(certificate, key, ready) {
	const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), keepAliveTimeout: 60000 };

	https.createServer(options, (request, answer) => {
		answer.end('1');
	}).listen(port, '127.0.0.1', 1024, ready);
}

if (way === 'serve')
	serve(...words);
else if (way === 'both')
	serve(words[1], words[2], () => ask_all(ask_https, Number(words[0])));
else
	ask_all({ fetch: ask_fetch, https: ask_https, http2: ask_http2 }[way], Number(words[0]));
