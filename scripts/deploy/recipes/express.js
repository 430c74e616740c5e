// An Express application behind tls-off, without a proxy of HTTP between them.
const http = require("node:http");
const express = require("express");

const app = express();
app.get("/", (request, response) => response.send(`${request.protocol} ${request.secure}`));

const server = http.createServer(app);
// Whoever reaches this socket came by HTTPS: `request.secure`, secure cookies and redirects follow from this.
server.on("connection", (socket) => socket.encrypted = true);
// The socket is made with mode 0660, so that only its group, which tls-off is in, can connect.
process.umask(0o117);
server.listen(process.argv[2] ?? "/run/app/app.sock");
