# what the team agreed on
{ score: { weights: {engagement: 0.5, conversion: 0.3, volume: 0.2},
           bounds: {conversions: 10}, tiers: {high: 60, medium: 40, low: 20} } }
