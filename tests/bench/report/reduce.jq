# What report counts, by the shortest way jq has: figures by campaign and channel, contacts by status.
# It counts no event once only and tests nothing, so it does less than report.
reduce inputs as $r ({};
    if $r.kind == "contact" then .status[$r.status] += 1
    elif $r.kind == "metric" then
        reduce ($r.metrics | to_entries[]) as $m (.; .figures[$r.campaign_id][$r.channel][$m.key] += $m.value)
    elif $r.kind == "event" then .figures[$r.campaign_id][$r.channel][$r.engagement_type] += 1
    elif $r.kind == "job" then .figures[$r.campaign_id][$r.channel][$r.status] += 1
    elif $r.kind == "spend" then .spend[$r.campaign_id][$r.currency] += $r.amount
    else . end)
