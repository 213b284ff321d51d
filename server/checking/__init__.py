"""Whether an envelope is well-formed and signed by its device: half the work of a note, and none that needs the rest of the server.

    check.py      the question and its answer: a pure function
    checker.py    where it is asked: here, a few in each turn of the loop; or, when much comes at once, beside
    beside.py     the process beside as the server sees it: started, handed work, ended, replaced
    child.py      what runs in that process, and what the two write to each other

Why so: docs/decisions/0017-checking-beside.md.
"""
