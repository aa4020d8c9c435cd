"""The codec language model and the engine that decodes with it.

Read in this order: `config`, `sequences`, `layers`, `language_model`, then the loops (`autoregressive`, `parallel`,
`duration`), the requests made of them, and the `scheduler` that packs what many of them want into one pass.
Only workers import these modules, which load torch; `config`, `header` and `releases` do not, for checking a job.
"""
