import assert from "node:assert/strict";
import { type Flow, Relay, type RelayEnd } from "../../src/proxy/relay/relay.ts";
import { type Conn, ConnError, type Receiver, type Sink, WRITTEN } from "../../src/engines/contract.ts";

const HERE = { hostname: "", port: 0 };

/** What a source has to tell. */
type Told = string | ConnError | null;

/** Writes what it is given into `written`; fails or waits as it is told to. */
class Target implements Conn {
  readonly remote = HERE;
  readonly local = HERE;
  readonly written: string[] = [];
  closedWrite = false;
  constructor(readonly behaviour: { write?: () => Promise<void>; closeWrite?: () => Promise<void> } = {}) {}
  heard = () => Promise.resolve(true);
  handshake = () => Promise.resolve({});
  read = (): Promise<Uint8Array | null> => Promise.resolve(null);
  write(bytes: Uint8Array): Promise<void> {
    this.written.push(new TextDecoder().decode(bytes));
    return this.behaviour.write?.() ?? WRITTEN;
  }
  closeWrite(): Promise<void> {
    this.closedWrite = true;
    return this.behaviour.closeWrite?.() ?? Promise.resolve();
  }
  unsent = () => null;
  close() {}
  abort() {}
}

/** Tells by `read()`. */
class Pulled extends Target {
  constructor(readonly tell: Told[]) {
    super();
  }
  override read = () => {
    const told = this.tell.shift() ?? null;
    if (told instanceof ConnError) return Promise.reject(told);
    return Promise.resolve(told === null ? null : new TextEncoder().encode(told));
  };
}

/** Tells a sink, and knows how long that took for each piece. */
class Pushing extends Target {
  sink: Sink | null = null;
  readonly taking: ("at once" | "later")[] = [];
  constructor(readonly tell: Told[]) {
    super();
  }
  pushTo(sink: Sink): void {
    this.sink = sink;
    void this.#push(sink);
  }
  async #push(sink: Sink) {
    await null;
    for (const told of this.tell) {
      if (typeof told !== "string") return sink.end(told);
      const taking = sink.take(new TextEncoder().encode(told));
      this.taking.push(taking === WRITTEN ? "at once" : "later");
      await taking;
    }
  }
}

/** Tells the outcome of each read to a receiver. */
class Telling extends Pulled {
  readFor(receiver: Receiver): void {
    this.read().then((chunk) => receiver.received(chunk), (error) => receiver.failed(error));
  }
}

/** Tells the outcome of each write to a receiver. */
class TellingTarget extends Target {
  writeFor(bytes: Uint8Array, receiver: Receiver): void {
    this.write(bytes).then(() => receiver.written(), (error) => receiver.failed(error));
  }
}

const KINDS = {
  pulled: { Source: Pulled, Target },
  pushing: { Source: Pushing, Target },
  telling: { Source: Telling, Target: TellingTarget },
};

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Where `discards`, what comes after a failure of the target is dropped. */
function run(source: Conn, target: Conn, first?: Promise<Uint8Array | null>, discards = false) {
  const ends: RelayEnd[] = [];
  const drained: (ConnError | null)[] = [];
  let [moved, dropped] = [0, 0];
  const done = new Promise<void>((resolve) => {
    const flow: Flow = {
      moved: (count) => moved += count,
      ended: (end) => {
        ends.push(end);
        if (discards && relay.discard()) return;
        // Whatever else is told is told within a few turns.
        void turns().then(resolve);
      },
      endsTarget: () => true,
      dropped: () => dropped++,
      drained: (failure) => {
        drained.push(failure);
        void turns().then(resolve);
      },
    };
    const relay = new Relay(source, target, flow);
    relay.start(first);
  });
  return done.then(() => ({ ends, moved, dropped, drained }));
}

for (const [kind, { Source, Target }] of Object.entries(KINDS)) {
  Deno.test(`Relay carries and counts everything of a ${kind} source, then half-closes its target`, async () => {
    const target = new Target();
    const { ends, moved } = await run(new Source(["one", "two", "three", null]), target);
    assert.deepEqual(target.written, ["one", "two", "three"]);
    assert.equal(moved, 11);
    assert.deepEqual(ends, [{ kind: "ended" }]);
    assert.ok(target.closedWrite);
  });

  Deno.test(`Relay waits for a slow target before it takes more of a ${kind} source`, async () => {
    let writing = 0;
    const target = new Target({
      write: async () => {
        assert.equal(++writing, 1, "one write at a time");
        await turns();
        writing--;
      },
    });
    const { ends } = await run(new Source(["one", "two", null]), target);
    assert.deepEqual(target.written, ["one", "two"]);
    assert.deepEqual(ends, [{ kind: "ended" }]);
  });

  Deno.test(`Relay takes a truncation by a ${kind} source for its end, and says so`, async () => {
    const target = new Target();
    const { ends } = await run(new Source(["one", new ConnError("truncated", "no close_notify")]), target);
    assert.deepEqual(ends, [{ kind: "ended" }]);
    assert.ok(target.closedWrite);
  });

  Deno.test(`Relay reports the failure of a ${kind} source, and does not end the target in good order`, async () => {
    const target = new Target();
    const error = new ConnError("reset", "Connection was cut");
    const { ends } = await run(new Source(["one", error]), target);
    assert.deepEqual(ends, [{ kind: "failed", side: "source", error }]);
    assert.ok(!target.closedWrite);
  });

  Deno.test(`Relay reports the failure of the target of a ${kind} source, once`, async () => {
    for (const kind of ["reset", "truncated"] as const) {
      const error = new ConnError(kind, "gone");
      const target = new Target({ write: () => Promise.reject(error) });
      const { ends } = await run(new Source(["one", new ConnError("closed", "Connection was closed here")]), target);
      assert.deepEqual(ends, [{ kind: "failed", side: "target", error }]);
      assert.ok(!target.closedWrite);
    }
  });

  Deno.test(`Relay drops what a ${kind} source still sends after its target has failed, up to its end`, async () => {
    const error = new ConnError("reset", "gone");
    for (const last of [null, new ConnError("reset", "cut"), new ConnError("truncated", "no close_notify")]) {
      const target = new Target({ write: () => Promise.reject(error) });
      const outcome = await run(new Source(["one", "two", "three", last]), target, undefined, true);
      assert.deepEqual(target.written, ["one"]);
      assert.deepEqual(outcome, {
        ends: [{ kind: "failed", side: "target", error }],
        moved: 3,
        dropped: 2,
        drained: [last instanceof ConnError && last.kind === "reset" ? last : null],
      });
    }
  });

  Deno.test(`Relay drops what a ${kind} source sends while its target takes nothing`, async () => {
    let fail = (_: ConnError) => {};
    const target = new Target({ write: () => new Promise((_, reject) => fail = reject) });
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const relay = new Relay(new Source(["one", "two", null]), target, {
        moved: () =>
          queueMicrotask(() => {
            told.push(`in addition: ${relay.discard()}`);
            fail(new ConnError("closed", "Connection was closed here"));
          }),
        ended: () => told.push("ended"),
        endsTarget: () => true,
        dropped: () => told.push("dropped"),
        drained: () => resolve(),
      });
      relay.start();
    });
    assert.deepEqual(told, ["in addition: false", "dropped", "dropped"]);
  });

  Deno.test(`Relay has nothing to drop of a ${kind} source that has ended`, async () => {
    const error = new ConnError("other", "no");
    const target = new Target({ closeWrite: () => Promise.reject(error) });
    const { ends, drained } = await run(new Source(["one", null]), target, undefined, true);
    assert.deepEqual({ ends, drained }, { ends: [{ kind: "failed", side: "target", error }], drained: [] });
  });

  Deno.test(`Relay turns what a target of a ${kind} source throws into a failure`, async () => {
    const target = new Target({
      write: () => {
        throw new TypeError("unexpected");
      },
    });
    const { ends } = await run(new Source(["one", null]), target);
    const [end] = ends;
    assert.ok(end.kind === "failed" && end.side === "target");
    assert.equal(end.error.message, "unexpected");
  });

  Deno.test(`Relay takes a target that was reset after everything of a ${kind} source for one that ended`, async () => {
    const reset = new Target({ closeWrite: () => Promise.reject(new ConnError("reset", "gone")) });
    assert.deepEqual((await run(new Source(["one", null]), reset)).ends, [{ kind: "ended" }]);
    const error = new ConnError("other", "no");
    const failing = new Target({ closeWrite: () => Promise.reject(error) });
    const { ends } = await run(new Source(["one", null]), failing);
    assert.deepEqual(ends, [{ kind: "failed", side: "target", error }]);
  });

  Deno.test(`Relay begins with a read of a ${kind} source that was begun before`, async () => {
    const target = new Target();
    const first = Promise.resolve(new TextEncoder().encode("zero"));
    const { moved } = await run(new Source(["one", null]), target, first);
    assert.deepEqual(target.written, ["zero", "one"]);
    assert.equal(moved, 7);
  });
}

Deno.test("Relay tells a pushing source at once that a write was taken at once", async () => {
  const source = new Pushing(["one", "two", null]);
  await run(source, new Target());
  assert.deepEqual(source.taking, ["at once", "at once"]);
});
