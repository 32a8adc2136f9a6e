"""What the hot paths cost, as ratios to a yardstick in the same run: times do not travel, ratios do."""
