"""The mechanism. To read in this order:

`spec` (shape and dtype), `mode` (what holds while code runs), `node` (the graph), `table` and `operators` (how NumPy's
functions find their rows), `symbol` and `tensor` (values without and with data), `rule` and `op` (a row of the table),
`rowsparse`, `autodiff` (the one sweep), `transforms` (derivatives as functions), `check`, `anomaly`, `samples`, `tree`.
"""
