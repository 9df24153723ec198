-- The request that wrk sends, and the format of its results. CALL_BODY is the path of the body; without
-- it, the request is a GET.

local file = os.getenv("CALL_BODY")
if file then
  wrk.method = "POST"
  wrk.body = assert(io.open(file, "rb")):read("*a")
  wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
  wrk.headers["SOAPAction"] = '"http://www.ifactorconsulting.com/webservices/ResetUserPassword"'
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
