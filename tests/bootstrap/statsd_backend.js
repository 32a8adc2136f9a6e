// A backend of the npm package statsd that prints what its server has parsed, as one line of JSON, at every flush.
exports.init = function (startup, config, events) {
  events.on("flush", function (timestamp, metrics) {
    process.stdout.write(JSON.stringify({ counters: metrics.counters, gauges: metrics.gauges }) + "\n");
  });
  return true;
};
