import assert from "node:assert/strict";
import { articleCsv, samplesCsv } from "../../bench/report/csv.ts";

const RUN = { scenario: "article-node", contender: "https", size: 10, round: 1 };

Deno.test("samplesCsv() writes a line for each figure", () => {
  assert.equal(
    samplesCsv([{ ...RUN, values: { requests: 3, p50Us: 1.5 } }]),
    "scenario,contender,size,round,metric,value\narticle-node,https,10,1,requests,3\narticle-node,https,10,1,p50Us,1.5\n",
  );
});

Deno.test("samplesCsv() quotes what would break a line", () => {
  const [, line] = samplesCsv([{ ...RUN, contender: 'tls-off@a,"b"', values: { x: 1 } }]).split("\n");
  assert.equal(line, 'article-node,"tls-off@a,""b""",10,1,x,1');
});

Deno.test("articleCsv() has the article's columns", () => {
  const values = { requests: 100, meanUs: 5.5, stdevUs: 1, p50Us: 5, p90Us: 7, p99Us: 9, connections: 3000, errors: 0 };
  assert.equal(
    articleCsv([{ ...RUN, values }]),
    "config,size,requests,mean,stdev,p50,p90,p99\nhttps,10,100,5.5,1,5,7,9\n",
  );
});
