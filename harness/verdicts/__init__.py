"""From estimates to verdicts: validity, gates, rules, looks, and which evidence a claim rests on."""
