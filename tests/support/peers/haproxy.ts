import { pause } from "../wait.ts";

/** A real HAProxy in the foreground, its log read as it comes. */
export class Haproxy implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #reading: Promise<void>;

  private constructor(readonly child: Deno.ChildProcess) {
    this.#reading = this.#read();
  }

  /**
   * @param sections what follows `global` and `defaults`; logged lines go to {@linkcode lines}
   * @param ready whether it serves
   */
  static async start(directory: string, sections: string, ready: () => boolean | Promise<boolean>): Promise<Haproxy> {
    const file = `${directory}/haproxy.cfg`;
    Deno.writeTextFileSync(
      file,
      `global
  nbthread 1
  maxconn 1000
  log stdout format raw local0
defaults
  log global
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${sections}
`,
    );
    const child = new Deno.Command("haproxy", {
      args: ["-db", "-f", file],
      env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin` },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const haproxy = new Haproxy(child);
    for (let tries = 0; !await ready(); tries++) {
      if (tries > 500) throw new Error(`HAProxy is not up: ${haproxy.lines.join("; ")}`);
      await pause(20);
    }
    return haproxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
  }
}
