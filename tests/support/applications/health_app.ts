/** An application with an HTTP health check, in a process of its own that can be stopped, killed and started again. */

const PROGRAM = `
const http = require("node:http");
let status = 200;
const name = process.argv[1];
const server = http.createServer((request, response) => {
  request.resume();
  const check = request.url === "/healthz";
  response.writeHead(check ? status : 200, { connection: "close" });
  response.end(check ? "" : name);
});
process.on("SIGUSR2", () => {
  status = status === 200 ? 503 : 200;
  console.log("status " + status);
});
server.listen(process.argv[2], () => console.log("ready"));
`;

export class HealthApp implements AsyncDisposable {
  #child: Deno.ChildProcess;
  #output: ReadableStreamDefaultReader<string>;

  private constructor(readonly name: string, readonly path: string) {
    this.#child = this.#spawn();
    this.#output = this.#read();
  }

  /** Resolves when it listens. */
  static async start(name: string, path: string): Promise<HealthApp> {
    const app = new HealthApp(name, path);
    await app.#says("ready");
    return app;
  }

  get address(): string {
    return `unix:${this.path}`;
  }

  /** Answers no more, and refuses nothing: the kernel goes on accepting. */
  hang(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  /** Its health check answers 503, or 200 again. */
  async toggle(): Promise<void> {
    this.#child.kill("SIGUSR2");
    await this.#says("status");
  }

  /** Ends it without a word. The name of its socket stays, and refuses. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output.cancel();
  }

  async restart(): Promise<void> {
    await Deno.remove(this.path).catch(() => {});
    this.#child = this.#spawn();
    this.#output = this.#read();
    await this.#says("ready");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has been killed by the test.
    }
    await this.#child.status;
    await this.#output.cancel();
  }

  #spawn(): Deno.ChildProcess {
    return new Deno.Command("node", {
      args: ["-e", PROGRAM, this.name, this.path],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  }

  #read(): ReadableStreamDefaultReader<string> {
    return this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async #says(word: string): Promise<void> {
    let text = "";
    while (!text.includes(word)) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`Application ${this.name} ended before it said "${word}"`);
      text += value;
    }
  }
}
