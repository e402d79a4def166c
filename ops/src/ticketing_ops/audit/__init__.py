"""`ticketing audit`: does what always holds hold? It reads every store, and changes none.

`kinds` is what can be wrong and what to do about it; each check in `checks` finds some of it;
`looking` tells what lasts from what is still on its way; `repairs` is what can be mended.
"""
