-- What wrk sends, and one RESULT line in JSON with the figures that its own table rounds off. Arguments:
--   post=BYTES         a POST with a body of that size instead of a GET
--   think=MS           mean pause before each request: a rate that hardly depends on how fast the answers come
--   connections=COUNT  with think: the first request of each waits until all have shaken hands
local SETTLE_MS = 700
local think, connections, asked = 0, 0, 0

function init(args)
  for _, arg in ipairs(args) do
    local key, value = arg:match("^(%w+)=(%d+%.?%d*)$")
    if key == "post" then
      wrk.method = "POST"
      wrk.body = string.rep("x", tonumber(value))
      wrk.headers["Content-Type"] = "application/octet-stream"
    elseif key == "think" then
      think = tonumber(value)
    elseif key == "connections" then
      connections = tonumber(value)
    else
      error("unknown argument: " .. arg)
    end
  end
  if think > 0 then
    -- Uniform over twice the mean: connections do not march in step.
    delay = function()
      local pause = math.random(0, math.floor(2 * think + 0.5))
      asked = asked + 1
      return asked <= connections and SETTLE_MS + pause or pause
    end
  end
  wrk.headers["Host"] = "localhost"
end

function done(summary, latency)
  local errors = summary.errors
  local total = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'RESULT {"requests":%d,"durationMs":%.3f,"bytes":%d,"meanUs":%.2f,"stdevUs":%.2f,"p50Us":%d,"p90Us":%d,"p99Us":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1000, summary.bytes, latency.mean, latency.stdev,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), total))
end
