import assert from "node:assert/strict";
import { Journal, parseJournal, readJournal } from "../../bench/figures/journal.ts";
import type { Line } from "../../bench/figures/journal.ts";
import { interleave, keepWholeRounds, roundOf, runSteps } from "../../bench/figures/progress.ts";
import type { Step } from "../../bench/figures/sample.ts";

/** Two contenders in three rounds; `ran` gets who ran. */
function planOf(ran: string[], run: (name: string) => void = () => {}): Step[] {
  return interleave(["a", "b"], 3).map(({ contender, round }) => ({
    ...{ scenario: "s", contender, size: 10, round, rounds: 3, estimateMs: 1 },
    run() {
      ran.push(`${contender}${round}`);
      run(contender);
      return Promise.resolve({ cpu: round });
    },
  }));
}

Deno.test("a run that goes on does what is missing, whole rounds anew", async () => {
  const ran: string[] = [];
  const steps = planOf(ran);
  const all = await runSteps(steps);
  // Interrupted in the second round.
  const found = { samples: all.samples.slice(0, 3), failures: [] };
  assert.equal(keepWholeRounds(steps, found).samples.length, 2);
  ran.length = 0;
  const { samples } = await runSteps(steps, { found });
  assert.equal(ran.join(), "b2,a2,a3,b3");
  assert.equal(samples.length, 6);
});

Deno.test("a run that goes on does not try again what failed in two rounds", async () => {
  const ran: string[] = [];
  const steps = planOf(ran, (name) => {
    if (name === "b") throw new Error("Cannot start b");
  });
  const found = await runSteps(steps);
  assert.equal(found.failures.length, 2);
  ran.length = 0;
  await runSteps(steps, { found });
  assert.equal(ran.join(), "");
});

Deno.test("a run begins no round when it has had its time, and says so before each round", async () => {
  const rounds: string[] = [];
  const ran: string[] = [];
  await runSteps(planOf(ran), {
    enough: () => ran.length >= 2,
    onRound: (round) => Promise.resolve(void rounds.push(round)),
  });
  assert.equal(ran.join(), "a1,b1");
  assert.deepEqual(rounds, [roundOf({ scenario: "s", size: 10, round: 1 }), "the end"]);
});

const BEGINNING = { beginning: { args: ["--full"], about: { commit: "abc" } } } as unknown as Line;

Deno.test("the journal keeps each figure as it comes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const journal = await Journal.open(folder);
    await assert.rejects(readJournal(folder), /Cannot resume .*: no samples.jsonl/);
    await journal.add(BEGINNING);
    await journal.add({ sample: { scenario: "s", contender: "a", size: 1, round: 1, values: { cpu: 1 } } });
    await journal.add({ calibration: { before: "s 1 round 1", ms: 5, load: 0 } });
    const found = await readJournal(folder);
    assert.deepEqual([found.beginning.args, found.samples.length, found.calibrations[0].ms], [["--full"], 1, 5]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("parseJournal() leaves out a line that was cut", () => {
  assert.equal(parseJournal(`${JSON.stringify(BEGINNING)}\n{"sample":{"scen`)?.samples.length, 0);
  assert.equal(parseJournal(""), null);
});
