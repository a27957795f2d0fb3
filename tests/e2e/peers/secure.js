// SPDX-License-Identifier: Apache-2.0
// A TLS client that writes its first request in secureConnect, that is inside the SSL_read which ends the
// handshake: node secure.js WAY PORT [CLEAR]. WAY is connect, fetch or foreign: with foreign it first asks
// port CLEAR, without TLS, on a connection that it had before.
const tls = require('tls');
const http = require('http');
const net = require('net');
const [way, port, clear] = process.argv.slice(2);
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');

function connect(before) {
	const socket = tls.connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
		if (before)
			before.write('GET /one?foreign HTTP/1.1\r\nHost: clear\r\n\r\n');
		socket.write('GET /one?first HTTP/1.1\r\nHost: x\r\n\r\n');
	});
	let answers = 0;

	socket.on('data', () => {
		answers++;
		if (answers === 1)
			socket.write('GET /one?second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
	});
	socket.on('close', () => { console.log(answers > 1 ? 'done' : 'short'); if (before) before.end(); });
}

async function fetches() {
	for (const path of ['first', 'second']) {
		const answer = await fetch(`https://127.0.0.1:${port}/one?${path}`);
		await answer.text();
	}
	console.log('done');
	process.exit(0);
}

if (way === 'fetch') {
	fetches();
} else if (way === 'foreign') {
	const before = net.connect(Number(clear), '127.0.0.1', () => connect(before));
	before.on('data', () => {});
} else {
	connect(null);
}
