"""What runs inside a pack's own environment: standard library, pytest and stbt_core, nothing else of ours.

Four kinds of process, each forked from the one before it:

* the zygote has imported what is slow to import, and forks keepers as the agent asks for them;
* a keeper looks after one test file: it keeps the logs and the limits, and kills what tests leave behind;
* a collector has imported the file with pytest, and forks one child after the other;
* a child runs one test and ends.

Only collectors and children ever run code of the pack, so a keeper can be relied upon.

A process that looks at the device has a connection to it of its own, from its first look on; the zygote,
keepers and collectors that have collected have none.
"""
