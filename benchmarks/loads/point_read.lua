-- sysbench's own point select, whose p50 it would round to 10 us.
require("oltp_point_select")

sysbench.hooks.report_cumulative = function(stat)
    print(string.format("MEASURED p50_us=%.2f", stat.latency_pct * 1e6))
end
