/**
 * TCP clients made of raw packets, on an Ethernet interface and with an address that no kernel owns, so that they can
 * wait between the SYN-ACK and their ACK. Each then sends a ClientHello and wants a ServerHello back.
 *
 * Arguments: interface, its MAC address, the peer's MAC address, own IPv4 address, peer's IPv4 address, port,
 * milliseconds to wait. Opens a connection each 25 ms until standard input ends, and then writes the results as JSON.
 */
import { setInterval } from "node:timers";
import { CLIENT_HELLO } from "../certificates/client_hello.ts";

const [name, ownMac, peerMac, ownIp, peerIp, port, waitMs] = Deno.args;
const OPEN_EVERY_MS = 25;
const RETRY_SYN_MS = 1_000;
const GIVE_UP_MS = 8_000;

const FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16;
const ETHERTYPE_IP = 0x0800, ETHERTYPE_ARP = 0x0806;
const AF_PACKET = 17, SOCK_RAW = 3, ETH_P_ALL = 3, MSG_DONTWAIT = 0x40;

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
}).symbols;

const bytesOf = (text: string, separator: string, base: number) =>
  text.split(separator).map((part) => parseInt(part, base));
const MAC = bytesOf(ownMac, ":", 16), PEER_MAC = bytesOf(peerMac, ":", 16);
const IP = bytesOf(ownIp, ".", 10), PEER_IP = bytesOf(peerIp, ".", 10);
const PORT = Number(port);

const fd = libc.socket(AF_PACKET, SOCK_RAW, ETH_P_ALL << 8);
const index = libc.if_nametoindex(new TextEncoder().encode(`${name}\0`));
const link = new DataView(new ArrayBuffer(20));
link.setUint16(0, AF_PACKET, true);
link.setUint16(2, ETH_P_ALL);
link.setUint32(4, index, true);
if (fd < 0 || index === 0 || libc.bind(fd, new Uint8Array(link.buffer), 20) !== 0) {
  throw new Error(`Cannot open a raw socket on "${name}"`);
}

interface Client {
  port: number;
  sequence: number;
  acknowledged: number;
  state: "syn" | "waiting" | "sent";
  startedMs: number;
  synMs: number;
}

const clients = new Map<number, Client>();
const failures: string[] = [];
let served = 0;
let nextPort = 20_000;
let open = true;

function send(type: number, to: number[], payload: number[]): void {
  const frame = Uint8Array.from([...to, ...MAC, type >> 8, type & 0xff, ...payload]);
  libc.send(fd, frame, BigInt(frame.length), 0);
}

function checksum(bytes: number[]): number[] {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at] << 8 | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return u16(~sum & 0xffff);
}

const u16 = (value: number) => [value >>> 8 & 0xff, value & 0xff];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];

function sendTcp(client: Client, flags: number, data: number[] = []): void {
  const tcp = (sum: number[]) => [
    ...[...u16(client.port), ...u16(PORT), ...u32(client.sequence), ...u32(client.acknowledged)],
    ...[5 << 4, flags, ...u16(65_535), ...sum, 0, 0, ...data],
  ];
  const length = 20 + data.length;
  const segment = tcp(checksum([...IP, ...PEER_IP, 0, 6, ...u16(length), ...tcp([0, 0])]));
  const ip = (sum: number[]) => [0x45, 0, ...u16(20 + length), 0, 0, 0x40, 0, 64, 6, ...sum, ...IP, ...PEER_IP];
  send(ETHERTYPE_IP, PEER_MAC, [...ip(checksum(ip([0, 0]))), ...segment]);
  client.sequence = (client.sequence + data.length + (flags & (SYN | FIN) ? 1 : 0)) >>> 0;
}

function begin(): void {
  const now = performance.now();
  const client: Client = {
    port: nextPort++,
    sequence: Math.floor(Math.random() * 2 ** 31),
    acknowledged: 0,
    state: "syn",
    startedMs: now,
    synMs: now,
  };
  clients.set(client.port, client);
  sendTcp(client, SYN);
}

function finish(client: Client, failure: string | null): void {
  clients.delete(client.port);
  if (failure === null) served++;
  else failures.push(`port ${client.port} after ${Math.round(performance.now() - client.startedMs)} ms: ${failure}`);
}

function received(frame: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const type = view.getUint16(12);
  if (type === ETHERTYPE_ARP && view.getUint16(20) === 1 && IP.every((byte, at) => frame[38 + at] === byte)) {
    const sender = [...frame.subarray(22, 32)];
    return send(ETHERTYPE_ARP, sender.slice(0, 6), [0, 1, 8, 0, 6, 4, 0, 2, ...MAC, ...IP, ...sender]);
  }
  if (type !== ETHERTYPE_IP || frame[23] !== 6 || !IP.every((byte, at) => frame[30 + at] === byte)) return;
  const tcp = 14 + (frame[14] & 15) * 4;
  const client = clients.get(view.getUint16(tcp + 2));
  if (client === undefined) return;
  const flags = frame[tcp + 13];
  const data = frame.subarray(tcp + (frame[tcp + 12] >> 4) * 4, 14 + view.getUint16(16));
  if (flags & RST) return finish(client, `reset in state "${client.state}"`);
  if (client.state === "syn" && (flags & (SYN | ACK)) === (SYN | ACK)) {
    client.acknowledged = (view.getUint32(tcp + 4) + 1) >>> 0;
    client.state = "waiting";
    setTimeout(() => {
      sendTcp(client, ACK);
      sendTcp(client, ACK | PSH, [...CLIENT_HELLO]);
      client.state = "sent";
    }, Number(waitMs));
  } else if (client.state === "sent" && data.length > 0) {
    sendTcp(client, RST | ACK);
    finish(client, data[0] === 0x16 && data[5] === 2 ? null : `answer begins ${data.subarray(0, 6).join(" ")}`);
  }
}

const buffer = new Uint8Array(65_536);
const polling = setInterval(() => {
  for (;;) {
    const count = Number(libc.recv(fd, buffer, BigInt(buffer.length), MSG_DONTWAIT));
    if (count <= 0) break;
    received(buffer.slice(0, count));
  }
  const now = performance.now();
  for (const client of [...clients.values()]) {
    if (now - client.startedMs > GIVE_UP_MS) finish(client, `nothing came in state "${client.state}"`);
    else if (client.state === "syn" && now - client.synMs > RETRY_SYN_MS) {
      client.synMs = now;
      client.sequence = (client.sequence - 1) >>> 0;
      sendTcp(client, SYN);
    }
  }
}, 1);
const opening = setInterval(() => open && begin(), OPEN_EVERY_MS);

await Deno.stdin.read(new Uint8Array(1));
open = false;
clearInterval(opening);
while (clients.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
clearInterval(polling);
console.log(JSON.stringify({ served, failures }));
