"""Tells people and programs what was said of builds: by mail, over HTTP, in files.

What is to be told is committed together with the record; a loop tells it afterwards, again and again if need
be. So no run waits for a mail server, and nothing is lost while one is away. A thing may be told twice when a
server was killed just after it told it: mails and posts have an id by which their receivers can know.
"""
