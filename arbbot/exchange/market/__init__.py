"""The seeded market process of the built-in exchange: fair prices, house quotes and a little flow."""
