"""Settlement: profit turned into another currency and withdrawn to a listed address. Timid, and never twice."""
