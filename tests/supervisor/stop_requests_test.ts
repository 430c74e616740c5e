import assert from "node:assert/strict";
import { StopRequests } from "../../src/supervisor/stop_requests.ts";

Deno.test("StopRequests drains at first, and stops at the second request", () => {
  const requests = new StopRequests();
  assert.equal(requests.asked, false);
  assert.equal(requests.request("SIGINT", 1000), "drain");
  assert.equal(requests.asked, true);
  assert.equal(requests.request("SIGINT", 1501), "stop-now");
});

Deno.test("StopRequests takes the same signal within half a second for the same request, however often it comes", () => {
  const requests = new StopRequests();
  assert.equal(requests.request("SIGINT", 1000), "drain");
  assert.equal(requests.request("SIGINT", 1001), "repeated");
  assert.equal(requests.request("SIGINT", 1500), "repeated");
  assert.equal(requests.request("SIGINT", 2001), "stop-now");
});

Deno.test("StopRequests takes another signal for another request at once", () => {
  const requests = new StopRequests();
  assert.equal(requests.request("SIGTERM", 1000), "drain");
  assert.equal(requests.request("SIGINT", 1001), "stop-now");
});
