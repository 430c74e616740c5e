/** Certificates over months, by a clock of the test's own, from a real ACME server with a front that can fail. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import * as fs from "node:fs/promises";
import { Acme, type AcmeOptions } from "../../src/acme/acme.ts";
import type { Clock } from "../../src/acme/clock.ts";
import { systemClock } from "../../src/acme/clock.ts";
import type { AcmeSettings } from "../../src/acme/settings.ts";
import { certificateId } from "../../src/acme/stored_certificate.ts";
import { buildAcmeConfig } from "../../src/config/load.ts";
import type { Fields } from "../../src/log/fields.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { AcmeFront, type Intercept } from "../support/peers/acme_front.ts";
import { ChallengeServer } from "../support/peers/challenge_server.ts";
import { PEBBLE, Pebble, type PebbleOptions } from "../support/peers/pebble.ts";
import { peerTest } from "../support/peers/peers.ts";
import { TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

const DAY = 86_400_000;
const NAME = "a.example.net";

/** A clock whose time passes while somebody sleeps, and jumps when the test says so. */
class JumpingClock implements Clock {
  #offsetMs = 0;
  now = () => Date.now() + this.#offsetMs;
  random = () => 0.5;
  sleep = async (milliseconds: number, signal?: AbortSignal) => {
    await systemClock.sleep(Math.min(milliseconds, 10), signal);
    this.#offsetMs += milliseconds;
  };
  jump(milliseconds: number): void {
    this.#offsetMs += milliseconds;
  }
}

/** An ACME server behind a proxy that can fail, and as many ordering processes as a test wants. */
class World implements AsyncDisposable {
  readonly dir = new TempDir();
  readonly clock = new JumpingClock();
  readonly records: (Fields & { msg: string })[] = [];
  /** How often a new certificate should have been put into service. */
  certified = 0;
  readonly #started: Acme[] = [];

  private constructor(readonly pebble: Pebble, readonly front: AcmeFront, readonly server: ChallengeServer) {}

  static async start(options: Partial<PebbleOptions> = {}): Promise<World> {
    const server = new ChallengeServer();
    const pebble = await Pebble.start({ tlsPort: server.port, validitySeconds: 90 * 86_400, ...options });
    return new World(pebble, await AcmeFront.start(pebble), server);
  }

  get settings(): AcmeSettings {
    const config = {
      ...buildAcmeConfig(this.dir.path),
      directory: this.front.directory,
      termsAgreed: true,
      storage: this.dir.file("acme"),
    };
    return { config, ca: this.front.caPem, externalAccount: null };
  }

  /** A process that orders; `names` are those of each certificate. */
  async order(names: string[][] = [[NAME]], options: Partial<AcmeOptions> = {}): Promise<Acme> {
    const log = (msg: string, fields: Fields = {}) => void this.records.push({ msg, ...fields });
    const acme = new Acme({
      clock: this.clock,
      log: { debug: log, info: log, warn: log, error: log, enabled: () => true },
      userAgent: "test",
      serve: (challenges) => {
        this.server.challenges = challenges;
        return Promise.resolve();
      },
      certified: () => {
        this.certified++;
        return Promise.resolve();
      },
      spreadMs: 0,
      ...options,
    });
    this.#started.push(acme);
    await acme.configure(this.settings, names);
    return acme;
  }

  /** Waits until a process's first certificate is there and no attempt is under way. */
  async settled(acme: Acme, orders: number, failed = 0): Promise<void> {
    const what = `${orders} orders succeeded and ${failed} failed`;
    await until(
      () => {
        const { ok, failed: bad } = acme.orders;
        return ok === orders && bad === failed && acme.statuses.every(({ nextAttemptMs }) => nextAttemptMs > 0);
      },
      what,
      60_000,
    );
  }

  count(request: string): number {
    return this.front.requests.filter((one) => one.includes(request)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const acme of this.#started) await acme.stop();
    await this.front[Symbol.asyncDispose]();
    await this.pebble[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}

const days = (world: World, acme: Acme) => (acme.statuses[0].nextAttemptMs - world.clock.now()) / DAY;

peerTest("a certificate of 90 days is renewed after 60 and some, again and again", PEBBLE, async () => {
  await using world = await World.start();
  const acme = await world.order();
  await world.settled(acme, 1);
  for (let renewals = 1; renewals <= 3; renewals++) {
    const left = days(world, acme);
    assert.ok(left > 59.5 && left < 65, `${left} days`);
    world.clock.jump(50 * DAY);
    await until(() => days(world, acme) < left - 49, "the jump is seen");
    assert.equal(acme.orders.ok, renewals);
    world.clock.jump(15 * DAY);
    await world.settled(acme, renewals + 1);
    // The server's clock did not jump. Ours is set back: what was planned by it is planned anew.
    world.clock.jump(-65 * DAY);
    await until(() => days(world, acme) < 64.9, "the jump back is seen");
  }
  assert.equal(world.count("POST /order-plz"), 4);
  assert.ok(world.certified >= 4);
});

peerTest("the window that the server suggests decides, and what it replaces is told", PEBBLE, async () => {
  await using world = await World.start();
  const iso = (fromNow: number) => new Date(world.clock.now() + fromNow).toISOString();
  world.front.window = { start: iso(10 * DAY), end: iso(11 * DAY) };
  const acme = await world.order();
  await world.settled(acme, 1);
  await until(() => days(world, acme) < 12, "the window is known");
  assert.ok(days(world, acme) > 9.9, `${days(world, acme)}`);
  // The authority has found something wrong, and wants them all replaced.
  world.front.window = { start: iso(-2 * DAY), end: iso(-DAY) };
  world.clock.jump(3_700_000);
  await world.settled(acme, 2);
  // The server says so of the new certificate as well. That must not lead to orders without end.
  assert.ok(acme.statuses[0].nextAttemptMs - world.clock.now() > 1_800_000);
});

peerTest("failures back off, honour Retry-After over a restart, and end with the certificate", PEBBLE, async () => {
  await using world = await World.start();
  const limited: Intercept = (_, path) =>
    path !== "/order-plz" ? null : {
      status: 429,
      headers: { "retry-after": "7200", "replay-nonce": "bm9uY2U" },
      body: { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many certificates" },
    };
  world.front.intercept = limited;
  const first = await world.order();
  await world.settled(first, 0, 1);
  const [{ lastError, nextAttemptMs, hasCertificate }] = first.statuses;
  assert.match(lastError, /^Cannot order a certificate: too many certificates \(rateLimited\)$/);
  assert.ok(!hasCertificate);
  const waitMs = nextAttemptMs - world.clock.now();
  assert.ok(waitMs > 3_600_000 && waitMs <= 7_200_000, `${waitMs}`);
  await first.stop();
  world.front.intercept = () => null;
  const second = await world.order();
  await until(() => second.statuses[0].nextAttemptMs > 0, "the state is read");
  assert.equal(second.statuses[0].lastError, lastError);
  assert.equal(second.orders.ok, 0);
  world.clock.jump(7_200_000);
  await world.settled(second, 1);
  assert.equal(second.statuses[0].lastError, "");
});

const BROKEN: [what: string, intercept: (world: World) => Promise<Intercept>, expected: RegExp][] = [
  ["is down", () => Promise.resolve(() => ({ status: 503, body: "<html>" })), /HTTP status 503/],
  ["answers garbage", () => Promise.resolve(() => ({ body: "{" })), /no JSON object/],
  ["refuses every nonce", () =>
    Promise.resolve((method) =>
      method !== "POST" ? null : {
        status: 400,
        headers: { "replay-nonce": "bm9uY2U" },
        body: { type: "urn:ietf:params:acme:error:badNonce", detail: "JWS has an invalid anti-replay nonce" },
      }
    ), /badNonce/],
  ["never looks at the name", (world) =>
    Promise.resolve((_, path) =>
      !path.startsWith("/authZ/") ? null : {
        headers: { "replay-nonce": "bm9uY2U", "retry-after": "10" },
        body: {
          status: "pending",
          identifier: { type: "dns", value: NAME },
          challenges: [{ type: "tls-alpn-01", url: `${world.front.url}/chalZ/x`, token: "dG9rZW4", status: "pending" }],
        },
      } // The answer to "look at it" as well.
    ), /chalZ|validat/],
  ["lets the order become invalid", () =>
    Promise.resolve((_, path) =>
      !path.startsWith("/my-order/") ? null : {
        headers: { "replay-nonce": "bm9uY2U" },
        body: {
          status: "invalid",
          error: { type: "urn:ietf:params:acme:error:caa", detail: "CAA record forbids it" },
        },
      }
    ), /the order is invalid: CAA record forbids it \(caa\)/],
  ["issues another's certificate", async () => {
    const { cert } = await makeSelfSigned({ hosts: [NAME] });
    return (_, path) => path.startsWith("/certZ/") ? { headers: { "replay-nonce": "bm9uY2U" }, body: cert } : null;
  }, /belongs to another key/],
];

for (const [what, intercept, expected] of BROKEN) {
  peerTest(`where the server ${what} the last certificate stays, and the next attempt is planned`, PEBBLE, async () => {
    await using world = await World.start();
    const acme = await world.order();
    await world.settled(acme, 1);
    const path = `${world.settings.config.storage}/certificates/`;
    const files = () => readdirSync(path).filter((name) => name.endsWith(".pem"));
    const before = Deno.readTextFileSync(path + files()[0]);
    world.front.intercept = await intercept(world);
    world.clock.jump(66 * DAY);
    await until(() => acme.orders.failed >= 1, "an order has failed", 60_000);
    const { lastError, hasCertificate } = acme.statuses[0];
    assert.match(lastError, expected);
    assert.ok(!lastError.includes("\n"));
    assert.ok(hasCertificate);
    assert.equal(Deno.readTextFileSync(path + files()[0]), before);
    await until(() => acme.statuses[0].nextAttemptMs > world.clock.now(), "the next attempt is planned");
    assert.deepEqual(readdirSync(`${world.settings.config.storage}/challenges`), []);
    world.front.intercept = () => null;
    world.clock.jump(DAY);
    await until(() => acme.orders.ok === 2, "it was renewed after all", 60_000);
    assert.notEqual(Deno.readTextFileSync(path + files()[0]), before);
  });
}

peerTest("a disk that is full fails the order in one line, and the next one succeeds", PEBBLE, async () => {
  await using world = await World.start();
  let full = false;
  const open = ((...args: Parameters<typeof fs.open>) =>
    full && args[1] === "wx"
      ? Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }))
      : fs.open(...args)) as typeof fs.open;
  const steps = { open, rename: fs.rename, unlink: fs.unlink };
  const acme = await world.order([[NAME]], { storage: { steps } });
  await world.settled(acme, 1);
  full = true;
  world.clock.jump(66 * DAY);
  await until(
    () =>
      acme.orders.failed >= 1,
    "an order has failed",
    60_000,
  );
  assert.match(acme.statuses[0].lastError, /^Cannot write ".*": no space left on the device$/);
  full = false;
  world.clock.jump(DAY);
  await until(() => acme.orders.ok === 2, "it was renewed after all", 60_000);
});

peerTest("two processes on one storage order once, and both learn of it", PEBBLE, async () => {
  await using world = await World.start();
  const [a, b] = await Promise.all([world.order(), world.order()]);
  await until(() => world.certified >= 2, "both have it in service", 60_000);
  assert.equal(a.orders.ok + b.orders.ok, 1);
  assert.equal(world.count("POST /order-plz"), 1);
  world.clock.jump(66 * DAY);
  await until(() => world.certified >= 4, "both have the next one in service", 60_000);
  assert.equal(world.count("POST /order-plz"), 2);
});

peerTest("a changed list of names is another order, and what is asked for no more is let go", PEBBLE, async () => {
  await using world = await World.start();
  const acme = await world.order([[NAME], ["b.example.net"]]);
  await world.settled(acme, 2);
  await acme.configure(world.settings, [[NAME], [NAME, "c.example.net"]]);
  await world.settled(acme, 3);
  assert.deepEqual(acme.statuses.map(({ names }) => names), [[NAME], [NAME, "c.example.net"]]);
  const { directory, profile } = world.settings.config;
  const id = certificateId({ names: [NAME, "c.example.net"], directory, profile });
  assert.ok(Deno.statSync(`${world.settings.config.storage}/certificates/${id}.pem`).isFile);
  await acme.configure(null, []);
  assert.deepEqual(acme.statuses, []);
  assert.deepEqual(acme.orders, { ok: 3, failed: 0 });
});

peerTest("a stored certificate that is damaged, or has another's key, is ordered anew", PEBBLE, async () => {
  await using world = await World.start();
  const first = await world.order();
  await world.settled(first, 1);
  await first.stop();
  const { storage, directory, profile } = world.settings.config;
  const path = `${storage}/certificates/${certificateId({ names: [NAME], directory, profile })}.pem`;
  const good = Deno.readTextFileSync(path);
  const { key } = await makeSelfSigned({ hosts: [NAME] });
  const spoilt = ["", "garbage", good.slice(0, 900), key + good.slice(good.indexOf("-----BEGIN CERTIFICATE"))];
  for (const text of spoilt) {
    Deno.writeTextFileSync(path, text);
    const again = await world.order();
    await world.settled(again, 1);
    await again.stop();
    assert.notEqual(Deno.readTextFileSync(path), text);
  }
});
