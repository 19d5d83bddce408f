"""Evidence held against a plan: what a CI service needs to say "green" and mean it. No torch, no Core ML.

`plan` writes down what a commit has to prove, `judge` is what it is judged by, `intake` reads what the machines sent,
`decide` and `unit` hold one against the other, `publish` says the outcome everywhere at once; `judge_diff` names who
loosened the judge. Every file here is a pure function of documents.
"""
