include "common";
"\(.summary.impressions | count) impressions, \(.screen.width) columns",
(.channels[] | "\(.rank) \(channel): \(.engagement_rate | rate) (\(.engagement_rate | interval))"),
.period
