import { until } from "../wait.ts";

/** What a service manager hears. */
export class NotifySocket implements Disposable {
  readonly messages: string[] = [];
  readonly #socket: Deno.DatagramConn;

  constructor(path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    void this.#listen();
  }

  async heard(text: string): Promise<string> {
    await until(() => this.messages.some((message) => message.includes(text)), `"${text}" was heard`);
    return this.messages.find((message) => message.includes(text))!;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const [bytes] of this.#socket) this.messages.push(decoder.decode(bytes));
  }
}
