// SPDX-License-Identifier: Apache-2.0
// A WebSocket client of npm's ws, which says what came back: ws_peer.js FOLDER-OF-WS URL
const { WebSocket } = require(process.argv[2]);
const socket = new WebSocket(process.argv[3], { rejectUnauthorized: false });
const words = ["hello", "hello again, hello again, hello again", "close"];
socket.on("open", () => socket.send(words[0]));
socket.on("message", (data) => {
	console.log(data.toString());
	words.shift();
	socket.send(words[0]);
});
socket.on("close", (code) => console.log(code));
